-- severity: warning
-- area: references
-- question: Which scores are older than the version they judge?
-- hint: Distrust their timestamps; nobody judges a text before it is written.
SELECT s.id, s.created_at, v.created_at AS version_created_at, s.row_id
FROM scores AS s JOIN versions AS v ON v.id = s.prompt_version_id
WHERE s.created_at < v.created_at
ORDER BY s.row_id
