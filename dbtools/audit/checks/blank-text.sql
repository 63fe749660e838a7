-- severity: warning
-- area: references
-- question: Which prompts, versions and examined inputs have a blank text?
-- hint: Leave them out of conclusions; there is nothing to judge.
SELECT relation || ' ' || coalesce(text_id::VARCHAR, 'row ' || row_id) AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, id AS text_id, text_key AS key, row_id FROM prompts
  UNION ALL SELECT 'versions', id, text_key, row_id FROM versions
  UNION ALL SELECT 'security_inputs', id, text_key, row_id FROM security_inputs
)
WHERE key = text_key('')
ORDER BY relation, row_id
