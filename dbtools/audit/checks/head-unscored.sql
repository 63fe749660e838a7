-- severity: warning
-- area: scores
-- question: Which heads name a version that was never scored?
-- hint: Let the application judge it; without a score, it is not known to be the best.
SELECT h.prompt_id AS id, h.prompt_version_id, h.row_id
FROM heads AS h
WHERE EXISTS (SELECT 1 FROM versions AS v WHERE v.id = h.prompt_version_id)
  AND NOT EXISTS (SELECT 1 FROM scores AS s WHERE s.prompt_version_id = h.prompt_version_id)
ORDER BY h.row_id
