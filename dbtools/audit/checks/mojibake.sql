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
-- The first byte of a character of two, three or four bytes, then the others, as Latin-1 or Windows-1252 shows them. What
-- may also be a letter before a quotation mark or dash counts only next to a letter, or several times.
WHERE regexp_matches(
  words,
  '[\x{C2}-\x{F4}][\x{80}-\x{9F}]|[ÃÂ][\x{A0}-\x{BF}€ƒˆŠŒŽšœžŸ]|[ÃÂ][‚„…†‡‰‹‘’“”•–—˜™›][A-Za-z]'
  || '|[a-z][ÄÅ][\x{A1}-\x{BF}‚„…†‡ˆ‰‹‘’“”•–—˜™›]|[ÄÅ][\x{A1}-\x{BF}‚„…†‡ˆ‰‹‘’“”•–—˜™›][a-z]'
  || '|([ÐÑÎÏ][\x{A0}-\x{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]){2}|([ã-é][\x{A0}-\x{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{2}){2}'
  || '|â[€†„œ][\x{A0}-\x{BF}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|ðŸ|\x{FFFD}'
)
ORDER BY relation, row_id
