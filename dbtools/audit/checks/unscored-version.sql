-- severity: info
-- area: scores
-- question: Which versions were never scored?
-- hint: They cannot win by score; the analyses leave them out and say how many.
SELECT v.id, v.source, v.row_id
FROM versions AS v
WHERE v.source NOT IN ('original', 'user_input')
  AND NOT EXISTS (SELECT 1 FROM scores AS s WHERE s.prompt_version_id = v.id)
ORDER BY v.row_id
