-- severity: info
-- area: secrets
-- question: Which prompts and versions hold an e-mail address?
-- hint: Treat exports and reports with these texts as personal data.
-- needs: prompts.original_text, versions.text
SELECT relation || ' ' || coalesce(text_id || '', 'row ' || row_id) AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, id AS text_id, original_text AS words, row_id FROM prompts
  UNION ALL SELECT 'versions', id, text, row_id FROM versions
) AS listed
WHERE contains(words, '@') AND regexp_matches(words, '[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2,24}')
ORDER BY relation, row_id
