-- severity: warning
-- area: references
-- question: Which texts hold UTF-8 that was read in another encoding ("Ã¤" for "ä"), or characters lost in decoding?
-- hint: Repair them in the application, or compare with the logs; some program read them in the wrong encoding.
-- needs: prompts.original_text, versions.text
SELECT relation || ' ' || coalesce(text_id || '', 'row ' || row_id) AS id, relation, row_id
FROM (
  SELECT 'prompts' AS relation, id AS text_id, original_text AS words, row_id FROM prompts
  UNION ALL SELECT 'versions', id, text, row_id FROM versions
) AS listed
WHERE regexp_matches(words, '[ÃÂ][\x{80}-\x{BF}]|â€[\x{80}-\x{BF}œ“”„†‡•…™š›žŸ˜€‚ƒ‰‹–—]|\x{FFFD}')
ORDER BY relation, row_id
