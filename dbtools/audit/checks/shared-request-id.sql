-- severity: warning
-- area: references
-- question: Which request ids do several prompts share?
-- hint: Match feedback and logs of these requests by the prompt id; by the request id they fit several prompts.
-- needs: prompts.request_id
SELECT request_id AS id, count(*) AS prompts
FROM prompts
WHERE request_id IS NOT NULL AND request_id <> ''
GROUP BY request_id
HAVING count(*) > 1
ORDER BY request_id NULLS LAST
