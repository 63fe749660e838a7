-- Which prompts are those of the users and days asked for? One row per prompt.
-- Parameters: $users (NULL: all), $since (NULL: open), $before (NULL: open; not included).
SELECT id, request_id
FROM prompts
WHERE ($users IS NULL OR list_contains($users, user_id))
  AND ($since IS NULL OR created_at >= $since) AND ($before IS NULL OR created_at < $before)
