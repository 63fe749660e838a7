-- severity: error
-- area: references
-- question: Which versions belong to no prompt?
-- hint: Delete them in the application, or restore their prompts from a backup.
SELECT v.id, v.prompt_id, v.row_id
FROM versions AS v
WHERE NOT EXISTS (SELECT 1 FROM prompts AS p WHERE p.id = v.prompt_id)
ORDER BY v.row_id
