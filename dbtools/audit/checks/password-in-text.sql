-- severity: warning
-- area: secrets
-- question: Which prompts, versions and inputs give a password in words ("my password is …", "PASSWORD=…")?
-- hint: Change the password, then remove it from the text.
-- needs: prompts.original_text, versions.text
-- optional: security_inputs
SELECT relation || ' row ' || row_id AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, original_text AS words, row_id FROM prompts
  UNION ALL SELECT 'versions', text, row_id FROM versions
  UNION ALL SELECT 'security_inputs', input_text, row_id FROM security_inputs
) AS listed
WHERE gives_password(words)
ORDER BY relation, row_id
