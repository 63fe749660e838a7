-- Which version is recorded as the best of each prompt? One row per head. (No parameters.)
SELECT prompt_id, prompt_version_id, score, updated_at
FROM heads
ORDER BY prompt_id, updated_at, row_id
