-- severity: error
-- area: references
-- question: Which versions are their own ancestors, through other versions?
-- hint: Find the wrong link by the version numbers; a program that follows such a chain never ends.
-- needs: versions.parent_version_id
SELECT v.id, v.parent_version_id, c.row_id
FROM parent_cycles AS c JOIN versions AS v ON v.row_id = c.row_id
ORDER BY c.row_id
