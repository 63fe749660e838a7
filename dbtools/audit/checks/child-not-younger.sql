-- severity: warning
-- area: references
-- question: Which versions are older than the version they were made from?
-- hint: Follow such chains by their parent links, never by time.
-- needs: versions.parent_version_id
SELECT c.id, c.parent_version_id, c.created_at, p.created_at AS parent_created_at, c.row_id
FROM versions AS c JOIN versions AS p ON p.id = c.parent_version_id
WHERE c.created_at < p.created_at
ORDER BY c.row_id
