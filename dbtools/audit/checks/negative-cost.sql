-- severity: error
-- area: usage
-- question: Which token usage has a negative cost or number of tokens?
-- hint: Leave it out of sums; recompute it from the tokens and the price.
SELECT id, prompt_tokens, completion_tokens, total_tokens, cost_usd, row_id
FROM token_usage
WHERE cost_usd < 0 OR prompt_tokens < 0 OR completion_tokens < 0 OR total_tokens < 0
ORDER BY row_id
