-- Which prompts have an id, or a version with an id, that begins with $id (no dashes)? At most two rows.
SELECT id::VARCHAR AS prompt_id
FROM prompts
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id)
UNION
SELECT prompt_id::VARCHAR
FROM versions
WHERE starts_with(replace(id::VARCHAR, '-', ''), $id) AND prompt_id IS NOT NULL
ORDER BY prompt_id
LIMIT 2
