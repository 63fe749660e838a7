-- Which prompts were asked? One row per prompt. (No parameters.)
SELECT id, user_id, request_id, original_text, created_at
FROM prompts
ORDER BY created_at, id, row_id
