-- severity: warning
-- area: csv
-- question: In which requests of the multi-agent log was an agent selected that did not have the highest vote?
-- hint: Read the recorded decision with care; the coordinator selects the highest vote.
SELECT path || ' line ' || line AS id, path, line, selected_vote, highest
FROM (
  SELECT path, line, max(vote) FILTER (WHERE selected) AS selected_vote, max(vote) AS highest
  FROM csv_votes
  GROUP BY path, line
) AS requests
WHERE selected_vote < highest
ORDER BY path, line
