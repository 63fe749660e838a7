-- severity: warning
-- area: references
-- question: Which scores are older than the version they judge?
-- hint: Do not rely on their timestamps; a text cannot be judged before it is written.
SELECT s.id, s.created_at, v.created_at AS version_created_at, s.row_id
FROM scores AS s JOIN versions AS v ON v.id = s.prompt_version_id
WHERE s.created_at < v.created_at
ORDER BY s.row_id
