-- severity: warning
-- area: scores
-- question: Which prompts have versions that were scored on different scales?
-- hint: Compare versions of one scale only; dbtools converts totals to 0–50 and never ranks across scales.
SELECT prompt_id AS id, count(DISTINCT scale) AS scales, min(scale) AS one_scale, max(scale) AS another, count(*) AS versions
FROM scored
WHERE scale IS NOT NULL AND scale NOT IN ('self', 'stuck')  -- agents score themselves in every prompt; dbtools keeps these scores apart
GROUP BY prompt_id
HAVING count(DISTINCT scale) > 1
ORDER BY prompt_id NULLS LAST
