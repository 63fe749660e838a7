-- severity: error
-- area: schema
-- question: Which JSON cells hold no JSON object?
-- hint: Repair them in the application; dbtools treats their content as unknown.
-- optional: security_inputs
SELECT relation || '.' || column_name || ' row ' || row_id AS id, relation, column_name, kind, row_id
FROM (
  SELECT 'versions' AS relation, 'explanation' AS column_name, explanation_kind AS kind, row_id FROM versions
  UNION ALL SELECT 'scores', 'feedback', feedback_kind, row_id FROM scores
  -- The ORM writes None as the JSON value null; the column may be empty.
  UNION ALL SELECT 'security_inputs', 'analysis_metadata', nullif(metadata_kind, 'null'), row_id FROM security_inputs
) AS cells
WHERE kind <> 'object'
ORDER BY relation, column_name, row_id
