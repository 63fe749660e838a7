-- severity: warning
-- area: references
-- question: Which prompts have no version?
-- hint: The request failed half-way; leave them out, or ask again.
SELECT p.id, p.row_id
FROM prompts AS p
WHERE NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.prompt_id = p.id)
ORDER BY p.row_id
