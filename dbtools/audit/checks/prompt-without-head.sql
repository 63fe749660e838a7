-- severity: warning
-- area: references
-- question: Which prompts have versions and no head?
-- hint: Let the application choose a head; there is no recorded winner until then.
SELECT p.id, p.row_id
FROM prompts AS p SEMI JOIN versions AS v ON v.prompt_id = p.id ANTI JOIN heads AS h ON h.prompt_id = p.id
ORDER BY p.row_id
