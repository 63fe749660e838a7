-- severity: warning
-- area: scores
-- question: Which scores are the first of 10 or more in a row within 0–1, where the judge's other scores go beyond?
-- hint: Do not compare the scores of the two periods; the judge was changed from a scale of 0–10 to one of 0–1.
SELECT id, created_at AS since, last_at AS until, scores, row_id
FROM (
  SELECT
    id, created_at, row_id, low, count(*) OVER (PARTITION BY run) AS scores,
    max(created_at) OVER (PARTITION BY run) AS last_at,
    row_number() OVER (PARTITION BY run ORDER BY created_at NULLS LAST, row_id) AS nth, sum(1 - low) OVER () AS others
  FROM (
    SELECT
      id, created_at, row_id, low,
      sum(changed) OVER (ORDER BY created_at NULLS LAST, row_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM (
      SELECT
        id, created_at, row_id, low,
        CASE WHEN low = lag(low) OVER (ORDER BY created_at NULLS LAST, row_id) THEN 0 ELSE 1 END AS changed
      FROM (
        SELECT
          id, created_at, row_id,
          CASE WHEN greatest(clarity, specificity, actionability, structure, context_use) <= 1 THEN 1 ELSE 0 END AS low
        FROM scores
        WHERE created_at IS NOT NULL AND total > 0
          AND NOT coalesce(heuristic, false) AND NOT coalesce(feedback_synthetic, false) AND feedback_confidence IS NULL
      ) AS bounded
    ) AS compared
  ) AS numbered
) AS runs
WHERE nth = 1 AND low = 1 AND scores >= 10 AND others >= 10
ORDER BY created_at NULLS LAST, row_id
