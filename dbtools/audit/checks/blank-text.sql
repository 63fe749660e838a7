-- severity: warning
-- area: references
-- question: Which prompts, versions and checked inputs have a blank text?
-- hint: Leave them out of conclusions; there is nothing to judge.
-- optional: security_inputs
SELECT relation || ' ' || coalesce(text_id || '', 'row ' || row_id) AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, id AS text_id, text_key AS words, row_id FROM prompts
  UNION ALL SELECT 'versions', id, text_key, row_id FROM versions
  UNION ALL SELECT 'security_inputs', id, text_key, row_id FROM security_inputs
) AS cells
WHERE words = 'd41d8cd9-8f00-b204-e980-0998ecf8427e'  -- the key of no text
ORDER BY relation, row_id
