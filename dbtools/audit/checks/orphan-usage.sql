-- severity: error
-- area: references
-- question: Which token usage names a version that does not exist?
-- hint: Delete it in the application, or restore the versions from a backup.
SELECT u.id, u.prompt_version_id, u.row_id
FROM token_usage AS u
WHERE u.prompt_version_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.id = u.prompt_version_id)
ORDER BY u.row_id
