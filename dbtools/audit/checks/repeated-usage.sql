-- severity: warning
-- area: usage
-- question: Which token usage was written several times (same version, model, tokens, cost and moment)?
-- hint: Count it once; a retry or a repeated import wrote it again.
SELECT id, prompt_version_id, model, total_tokens, rows
FROM (
  SELECT min(id) AS id, prompt_version_id, model, total_tokens, count(*) AS rows
  FROM token_usage
  WHERE created_at IS NOT NULL AND prompt_version_id IS NOT NULL
  GROUP BY prompt_version_id, model, prompt_tokens, completion_tokens, total_tokens, cost_usd, created_at
) AS calls
WHERE rows > 1
ORDER BY id NULLS LAST
