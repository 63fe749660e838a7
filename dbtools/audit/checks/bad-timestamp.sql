-- severity: error
-- area: references
-- question: Which rows have no timestamp that can be read?
-- hint: Repair them in the application; every order by time leaves them out.
SELECT relation || ' row ' || row_id AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, created_at AS moment, row_id FROM prompts
  UNION ALL SELECT 'versions', created_at, row_id FROM versions
  UNION ALL SELECT 'scores', created_at, row_id FROM scores
  UNION ALL SELECT 'heads', updated_at, row_id FROM heads
  UNION ALL SELECT 'feedback', created_at, row_id FROM feedback
  UNION ALL SELECT 'token_usage', created_at, row_id FROM token_usage
  UNION ALL SELECT 'security_inputs', created_at, row_id FROM security_inputs
) AS cells
WHERE moment IS NULL
ORDER BY relation, row_id
