-- Of which prompts does the id, or that of a version, begin so? One row per prompt and kind. Parameter: $id (no dashes).
SELECT DISTINCT id::VARCHAR AS prompt_id, 'prompt' AS kind
FROM prompts
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id)
UNION ALL
SELECT DISTINCT prompt_id::VARCHAR, 'version'
FROM versions
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id) AND prompt_id IS NOT NULL
ORDER BY kind, prompt_id
LIMIT 3
