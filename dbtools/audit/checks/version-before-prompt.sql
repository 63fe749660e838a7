-- severity: warning
-- area: references
-- question: Which versions are older than their prompt?
-- hint: Do not rely on their timestamps; they were set later.
SELECT v.id, v.created_at, p.created_at AS prompt_created_at, v.row_id
FROM versions AS v JOIN prompts AS p ON p.id = v.prompt_id
WHERE v.created_at < p.created_at
ORDER BY v.row_id
