-- Who asked prompts? One row per user, those with the most prompts first. (No parameters.)
SELECT user_id
FROM prompts
WHERE user_id IS NOT NULL
GROUP BY user_id
ORDER BY count(*) DESC, user_id
LIMIT 1000
