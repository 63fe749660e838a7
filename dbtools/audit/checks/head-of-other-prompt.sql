-- severity: error
-- area: references
-- question: Which heads name a version of another prompt?
-- hint: Let the application choose the head anew.
SELECT h.prompt_id AS id, h.prompt_version_id, v.prompt_id AS belongs_to, h.row_id
FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id
WHERE v.prompt_id <> h.prompt_id
ORDER BY h.row_id
