-- severity: warning
-- area: usage
-- question: Which costs differ by more than 1% from tokens times the list price of their day?
-- hint: Trust the tokens; the application charges every model it does not know at the price of the largest.
SELECT id, model, cost_usd, expected, row_id
FROM (
  SELECT
    u.id, u.model, u.cost_usd, u.row_id,
    (u.prompt_tokens * p.input_usd + u.completion_tokens * p.output_usd) / 1e6 AS expected,
    row_number() OVER (PARTITION BY u.row_id ORDER BY p.since DESC NULLS LAST) AS nth
  FROM token_usage AS u
  JOIN prices AS p ON p.model = u.model AND p.since <= u.created_at
  WHERE u.cost_usd >= 0 AND u.prompt_tokens >= 0 AND u.completion_tokens >= 0
) AS priced
WHERE nth = 1 AND abs(cost_usd - expected) > greatest(1e-7, expected / 1e2)
ORDER BY row_id
