-- severity: error
-- area: references
-- question: Which feedback names a prompt that does not exist?
-- hint: Delete it in the application, or restore the prompts from a backup.
SELECT f.id, f.prompt_id, f.row_id
FROM feedback AS f ANTI JOIN prompts AS p ON p.id = f.prompt_id
WHERE f.prompt_id IS NOT NULL
ORDER BY f.row_id
