-- severity: warning
-- area: feedback
-- question: Which votes are older than the prompt they are about?
-- hint: Do not rely on their timestamps; a user cannot vote before the prompt exists.
SELECT f.id, f.created_at, p.created_at AS prompt_created_at, f.row_id
FROM feedback AS f JOIN prompts AS p ON p.id = f.prompt_id
WHERE f.created_at < p.created_at
ORDER BY f.row_id
