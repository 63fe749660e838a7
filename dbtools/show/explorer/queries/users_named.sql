-- Which users have a name that begins so, in either case? One row per user, the exact name first. Parameters: $name.
SELECT DISTINCT user_id
FROM prompts
WHERE starts_with(lower(user_id), lower($name))
ORDER BY user_id <> $name, user_id
LIMIT 4
