-- severity: info
-- area: scores
-- question: Do the judge's totals rise or fall by 6 points or more from the first to the last third of the prompts?
-- hint: Compare versions of the same time only, such as those of one prompt; the judge may have changed, or the texts.
SELECT 'judge_scores' AS id, drift, error, prompts
FROM judge_drift
WHERE prompts >= 30 AND abs(drift) >= 6 AND abs(drift) >= 4 * error
ORDER BY prompts
