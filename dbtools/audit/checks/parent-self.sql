-- severity: error
-- area: references
-- question: Which versions name themselves as their parent?
-- hint: Empty the parent; the version is the first of its chain.
-- needs: versions.parent_version_id
SELECT id, row_id FROM versions WHERE parent_version_id = id ORDER BY row_id
