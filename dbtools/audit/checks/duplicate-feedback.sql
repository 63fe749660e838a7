-- severity: warning
-- area: feedback
-- question: Which requests did one user give feedback on several times?
-- hint: Count one answer per user and request, the last.
SELECT request_id AS id, user_id, count(*) AS rows
FROM feedback
GROUP BY request_id, user_id
HAVING count(*) > 1
ORDER BY request_id NULLS LAST, user_id NULLS LAST
