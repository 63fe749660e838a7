-- severity: error
-- area: references
-- question: Which feedback names a prompt that does not exist?
-- hint: Delete it in the application, or restore the prompts from a backup.
SELECT f.id, f.prompt_id, f.row_id
FROM feedback AS f
WHERE f.prompt_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM prompts AS p WHERE p.id = f.prompt_id)
ORDER BY f.row_id
