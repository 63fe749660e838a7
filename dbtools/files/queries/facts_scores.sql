-- What does the database say of each score? (A working table. No parameters.)
SELECT
  s.prompt_version_id::VARCHAR AS key, v.prompt_id, s.feedback AS json, s.created_at, s.total,
  [s.clarity, s.specificity, s.actionability, s.structure, s.context_use] AS scores, NULL::BIGINT AS version_no,
  NULL::VARCHAR AS source, NULL::UUID AS parent_version_id, NULL::VARCHAR AS change_type, NULL::DOUBLE AS change_magnitude
FROM scores AS s LEFT JOIN versions AS v ON v.id = s.prompt_version_id
