-- Is there a prompt, or a version of a prompt, with this id? One row if so. Parameters: $prompt_id.
SELECT DISTINCT true AS known
FROM (SELECT id FROM prompts UNION ALL SELECT prompt_id FROM versions) AS prompt
WHERE id = $prompt_id
ORDER BY known
