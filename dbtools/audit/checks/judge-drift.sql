-- severity: info
-- area: scores
-- question: Do the first and the last third of the judge's scores differ by 10 points or more on average?
-- hint: Compare versions of the same time only; the texts may have changed, or the judge.
SELECT 'judge_scores' AS id, first_mean, last_mean, scores
FROM (
  SELECT
    avg(CASE WHEN third = 1 THEN total END) AS first_mean, avg(CASE WHEN third = 3 THEN total END) AS last_mean,
    count(*) AS scores
  FROM (
    SELECT total, ntile(3) OVER (ORDER BY created_at NULLS LAST, row_id) AS third
    FROM scores
    WHERE created_at IS NOT NULL AND total BETWEEN 0 AND 50
      AND NOT coalesce(heuristic, false) AND NOT coalesce(feedback_synthetic, false) AND feedback_confidence IS NULL
  ) AS thirds
) AS means
WHERE scores >= 90 AND abs(last_mean - first_mean) >= 10
ORDER BY scores NULLS LAST
