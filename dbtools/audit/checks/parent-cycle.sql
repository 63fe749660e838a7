-- severity: error
-- area: references
-- question: Which versions are ancestors of themselves, by way of others?
-- hint: Find the wrong link by the version numbers; whoever follows such a chain never comes to its end.
-- needs: versions.parent_version_id
SELECT v.id, v.parent_version_id, c.row_id
FROM parent_cycles AS c JOIN versions AS v ON v.row_id = c.row_id
ORDER BY c.row_id
