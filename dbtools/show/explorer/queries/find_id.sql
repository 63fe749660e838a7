-- Of which prompts does the id, or that of a version, begin so? At most two rows. Parameter: $id (no dashes).
SELECT id::VARCHAR AS prompt_id
FROM prompts
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id)
UNION
SELECT prompt_id::VARCHAR
FROM versions
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id) AND prompt_id IS NOT NULL
ORDER BY prompt_id
LIMIT 2
