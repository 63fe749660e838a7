-- Which of the judge's scores come from a time when it was stuck, or judged on a scale of 0–1? One row per such score.
-- regime: stuck (20 or more scores in a row have the same five marks), or unit (10 or more in a row lie within 0–1, half
-- of them or more with a mark such as 0.7, while 10 or more others go beyond); since, until, scores: of the row; nth: 1 =
-- its first one. (No parameters.)
WITH
judged AS (
  SELECT
    id, row_id, created_at, clarity, specificity, actionability, structure, context_use,
    CASE WHEN greatest(clarity, specificity, actionability, structure, context_use) <= 1 THEN 1 ELSE 0 END AS low,
    CASE
      WHEN 2 * clarity = floor(2 * clarity) AND 2 * specificity = floor(2 * specificity)
        AND 2 * actionability = floor(2 * actionability) AND 2 * structure = floor(2 * structure)
        AND 2 * context_use = floor(2 * context_use) THEN 0
      ELSE 1
    END AS fraction
  FROM scores
  WHERE created_at IS NOT NULL AND total IS NOT NULL
    AND NOT coalesce(heuristic, false) AND NOT coalesce(feedback_synthetic, false) AND feedback_confidence IS NULL
),
compared AS (
  SELECT
    id, row_id, created_at, low, fraction,
    CASE
      WHEN clarity = lag(clarity) OVER (ORDER BY created_at NULLS LAST, row_id)
        AND specificity = lag(specificity) OVER (ORDER BY created_at NULLS LAST, row_id)
        AND actionability = lag(actionability) OVER (ORDER BY created_at NULLS LAST, row_id)
        AND structure = lag(structure) OVER (ORDER BY created_at NULLS LAST, row_id)
        AND context_use = lag(context_use) OVER (ORDER BY created_at NULLS LAST, row_id) THEN 0
      ELSE 1
    END AS marks_changed,
    CASE WHEN low = lag(low) OVER (ORDER BY created_at NULLS LAST, row_id) THEN 0 ELSE 1 END AS low_changed
  FROM judged
),
numbered AS (
  SELECT
    id, row_id, created_at, low, fraction,
    sum(marks_changed) OVER (ORDER BY created_at NULLS LAST, row_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS marks_run,
    sum(low_changed) OVER (ORDER BY created_at NULLS LAST, row_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS low_run
  FROM compared
),
stuck AS (SELECT marks_run FROM numbered GROUP BY marks_run HAVING count(*) >= 20),
unit AS (
  SELECT low_run
  FROM numbered
  WHERE low = 1
  GROUP BY low_run
  HAVING count(*) >= 10 AND 2 * sum(fraction) >= count(*) AND (SELECT count(*) FROM judged WHERE low = 0) >= 10
),
named AS (
  SELECT
    n.id, n.row_id, n.created_at, CASE WHEN s.marks_run IS NULL THEN 'unit' ELSE 'stuck' END AS regime,
    coalesce(s.marks_run, u.low_run) AS run
  FROM numbered AS n
  LEFT JOIN stuck AS s ON s.marks_run = n.marks_run
  LEFT JOIN unit AS u ON u.low_run = n.low_run
  WHERE s.marks_run IS NOT NULL OR u.low_run IS NOT NULL
)
SELECT
  id, row_id, regime, min(created_at) OVER (PARTITION BY regime, run) AS since,
  max(created_at) OVER (PARTITION BY regime, run) AS until, count(*) OVER (PARTITION BY regime, run) AS scores,
  row_number() OVER (PARTITION BY regime, run ORDER BY created_at NULLS LAST, row_id) AS nth
FROM named
