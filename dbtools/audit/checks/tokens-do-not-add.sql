-- severity: error
-- area: usage
-- question: In which token usage is the total not the sum of its parts?
-- hint: Trust the parts; recompute the total.
SELECT id, prompt_tokens, completion_tokens, total_tokens, row_id
FROM token_usage
WHERE cast(prompt_tokens AS DECIMAL(38, 0)) + completion_tokens <> total_tokens
ORDER BY row_id
