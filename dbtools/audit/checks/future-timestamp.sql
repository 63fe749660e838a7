-- severity: warning
-- area: references
-- question: Which rows are of a day that has not come yet?
-- hint: Distrust their timestamps; they were written in another unit, or by a clock that was wrong.
SELECT relation || ' row ' || row_id AS id, relation, moment, row_id
FROM (
  SELECT 'prompts' AS relation, created_at AS moment, row_id FROM prompts
  UNION ALL SELECT 'versions', created_at, row_id FROM versions
  UNION ALL SELECT 'scores', created_at, row_id FROM scores
  UNION ALL SELECT 'heads', updated_at, row_id FROM heads
  UNION ALL SELECT 'feedback', created_at, row_id FROM feedback
  UNION ALL SELECT 'token_usage', created_at, row_id FROM token_usage
  UNION ALL SELECT 'security_inputs', created_at, row_id FROM security_inputs
) AS cells
-- A day of grace: some programs write local time, which runs up to 14 hours ahead.
WHERE moment > (SELECT now FROM clock) + INTERVAL '1' DAY
ORDER BY relation, row_id
