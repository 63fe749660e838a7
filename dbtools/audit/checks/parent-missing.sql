-- severity: error
-- area: references
-- question: Which versions were made from a version that does not exist?
-- hint: Restore the parent from a backup, or treat the version as the first of its chain.
-- needs: versions.parent_version_id
SELECT c.id, c.parent_version_id, c.row_id
FROM versions AS c
WHERE c.parent_version_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM versions AS p WHERE p.id = c.parent_version_id)
ORDER BY c.row_id
