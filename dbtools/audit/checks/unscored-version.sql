-- severity: info
-- area: scores
-- question: Which versions were never scored?
-- hint: They cannot win by score; the analyses leave them out and say how many.
SELECT v.id, v.source, v.row_id
FROM versions AS v ANTI JOIN scores AS s ON s.prompt_version_id = v.id
WHERE v.source NOT IN ('original', 'user_input')
ORDER BY v.row_id
