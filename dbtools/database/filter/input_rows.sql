-- Which checked inputs belong to the chosen users and days? One row per input. (Inputs belong to no prompt.)
-- Parameters: $users (NULL: all), $since (NULL: open), $before (NULL: open; not included).
SELECT row_id
FROM unfiltered_security_inputs
WHERE ($users IS NULL OR list_contains($users, user_id))
  AND ($since IS NULL OR created_at >= $since) AND ($before IS NULL OR created_at < $before)
