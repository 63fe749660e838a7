-- severity: error
-- area: references
-- question: Which heads name a prompt or a version that does not exist?
-- hint: Let the application choose the head anew.
SELECT h.prompt_id AS id, h.prompt_version_id, h.row_id
FROM heads AS h
LEFT JOIN prompts AS p ON p.id = h.prompt_id
LEFT JOIN versions AS v ON v.id = h.prompt_version_id
WHERE p.id IS NULL OR v.id IS NULL
ORDER BY h.row_id
