-- Whose is each prompt? (A working table.) One row per prompt. (No parameters.)
SELECT id AS prompt_id, coalesce(nullif(user_id, ''), '(none)') AS segment FROM prompts
