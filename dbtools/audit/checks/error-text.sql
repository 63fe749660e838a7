-- severity: warning
-- area: provenance
-- question: Which versions are an error message instead of a prompt?
-- hint: Leave them out of conclusions; a call failed, and its error was stored as the text.
SELECT v.id, v.source, v.row_id
FROM versions AS v
WHERE v.text_error AND v.source NOT IN ('original', 'user_input')
  AND NOT EXISTS (SELECT 1 FROM prompts AS p WHERE p.id = v.prompt_id AND p.text_error)
ORDER BY v.row_id
