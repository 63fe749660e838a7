-- What did each version cost in tokens and money? One row per call. (No parameters.)
SELECT id, prompt_version_id, prompt_tokens, completion_tokens, total_tokens, model, cost_usd, created_at
FROM token_usage
ORDER BY created_at, id, row_id
