-- Which prompts, or prompts of versions, have an id that begins so? One row each, at most two. Parameters: $prompt_id.
SELECT DISTINCT id || '' AS prompt_id
FROM (SELECT id FROM prompts UNION ALL SELECT prompt_id FROM versions) AS prompt
WHERE id || '' LIKE $prompt_id || '%'
ORDER BY prompt_id NULLS LAST
LIMIT 2
