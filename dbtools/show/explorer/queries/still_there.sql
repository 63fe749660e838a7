-- Which of these sources and users does the database still have? One row each.
-- Parameters: $sources, $users (lists of names).
SELECT DISTINCT 'source' AS kind, source AS name
FROM versions
WHERE list_contains($sources::VARCHAR[], source)
UNION ALL
SELECT DISTINCT 'user', user_id
FROM prompts
WHERE list_contains($users::VARCHAR[], user_id)
ORDER BY kind, name
