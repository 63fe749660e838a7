-- severity: warning
-- area: scores
-- question: Which heads name a version that was never scored?
-- hint: Let the application judge it; until then nothing shows that it is the best.
SELECT h.prompt_id AS id, h.prompt_version_id, h.row_id
FROM heads AS h
SEMI JOIN versions AS v ON v.id = h.prompt_version_id
ANTI JOIN scores AS s ON s.prompt_version_id = h.prompt_version_id
ORDER BY h.row_id
