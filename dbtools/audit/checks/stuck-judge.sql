-- severity: warning
-- area: scores
-- question: Which scores are the first of 20 or more in a row with the same values in all five dimensions?
-- hint: Leave the whole row out of conclusions; the judge returned the same answer whatever the text was.
SELECT id, created_at AS since, last_at AS until, scores, row_id
FROM (
  SELECT
    id, created_at, row_id, count(*) OVER (PARTITION BY run) AS scores, max(created_at) OVER (PARTITION BY run) AS last_at,
    row_number() OVER (PARTITION BY run ORDER BY created_at NULLS LAST, row_id) AS nth
  FROM (
    SELECT
      id, created_at, row_id,
      sum(changed) OVER (ORDER BY created_at NULLS LAST, row_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM (
      SELECT
        id, created_at, row_id,
        CASE
          WHEN clarity = lag(clarity) OVER (ORDER BY created_at NULLS LAST, row_id)
            AND specificity = lag(specificity) OVER (ORDER BY created_at NULLS LAST, row_id)
            AND actionability = lag(actionability) OVER (ORDER BY created_at NULLS LAST, row_id)
            AND structure = lag(structure) OVER (ORDER BY created_at NULLS LAST, row_id)
            AND context_use = lag(context_use) OVER (ORDER BY created_at NULLS LAST, row_id)
            THEN 0
          ELSE 1
        END AS changed
      FROM scores
      WHERE created_at IS NOT NULL AND total IS NOT NULL
        AND NOT coalesce(heuristic, false) AND NOT coalesce(feedback_synthetic, false) AND feedback_confidence IS NULL
    ) AS compared
  ) AS numbered
) AS runs
WHERE nth = 1 AND scores >= 20
ORDER BY created_at NULLS LAST, row_id
