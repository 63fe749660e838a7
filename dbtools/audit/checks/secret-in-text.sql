-- severity: error
-- area: secrets
-- question: Which texts hold something with the shape of a password hash, token or key?
-- hint: Revoke it, then remove it from the text; reports of dbtools hide it.
-- optional: security_inputs
SELECT relation || '.' || column_name || ' row ' || row_id AS id, relation, column_name, row_id
FROM (
  SELECT 'prompts' AS relation, 'original_text' AS column_name, text_secret AS secret, row_id FROM prompts
  UNION ALL SELECT 'versions', 'text', text_secret, row_id FROM versions
  UNION ALL SELECT 'versions', 'explanation', explanation_secret, row_id FROM versions
  UNION ALL SELECT 'scores', 'feedback', feedback_secret, row_id FROM scores
  UNION ALL SELECT 'security_inputs', 'input_text', text_secret, row_id FROM security_inputs
  UNION ALL SELECT 'security_inputs', 'analysis_metadata', metadata_secret, row_id FROM security_inputs
)
WHERE secret
ORDER BY relation, column_name, row_id
