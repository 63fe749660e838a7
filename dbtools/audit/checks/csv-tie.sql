-- severity: info
-- area: csv
-- question: In which requests of the multi-agent log do several agents share the highest vote?
-- hint: Count no win there; the coordinator selects the first of them.
SELECT path || ' line ' || line AS id, path, line, max(vote) AS vote, count(*) AS agents
FROM (SELECT *, max(vote) OVER (PARTITION BY path, line) AS highest FROM csv_votes) AS votes
WHERE vote = highest
GROUP BY path, line
HAVING count(*) > 1
ORDER BY path, line
