-- severity: warning
-- area: scores
-- question: Which prompts have versions that were scored on different scales?
-- hint: Compare versions of one scale only; dbtools brings totals to 0–50 and never ranks across scales.
SELECT prompt_id AS id, string_agg(DISTINCT scale, ', ' ORDER BY scale) AS scales, count(*) AS versions
FROM scored_versions
WHERE scale IS NOT NULL
GROUP BY prompt_id
HAVING count(DISTINCT scale) > 1
ORDER BY prompt_id
