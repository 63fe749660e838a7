-- severity: warning
-- area: references
-- question: Which prompts have versions and no head?
-- hint: Let the application choose a head; there is no recorded winner until then.
SELECT p.id, p.row_id
FROM prompts AS p
WHERE EXISTS (SELECT 1 FROM versions AS v WHERE v.prompt_id = p.id)
  AND NOT EXISTS (SELECT 1 FROM heads AS h WHERE h.prompt_id = p.id)
ORDER BY p.row_id
