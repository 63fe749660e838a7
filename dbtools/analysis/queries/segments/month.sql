-- In which month was each prompt asked? (A working table.) One row per prompt. (No parameters.)
SELECT id AS prompt_id, coalesce(strftime(created_at, '%Y-%m'), '(none)') AS segment FROM prompts
