-- severity: error
-- area: references
-- question: Which scores belong to no version?
-- hint: Delete them in the application, or restore their versions from a backup.
SELECT s.id, s.prompt_version_id, s.row_id
FROM scores AS s
WHERE NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.id = s.prompt_version_id)
ORDER BY s.row_id
