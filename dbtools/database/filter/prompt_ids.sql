-- Which prompts belong to the chosen users and days? One row per prompt.
-- Parameters: $users (NULL: all), $since (NULL: open), $before (NULL: open; not included).
SELECT id, request_id
FROM unfiltered_prompts
WHERE ($users IS NULL OR list_contains($users, user_id))
  AND ($since IS NULL OR created_at >= $since) AND ($before IS NULL OR created_at < $before)
