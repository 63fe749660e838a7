-- By how much do the judge's totals differ between the first and the last third of the prompts? One row, or none.
-- Only the first version of each agent in a prompt counts, less the mean of that agent; each prompt counts once. drift:
-- in points of 50; error: its standard error. (No parameters.)
WITH
ranked AS (
  SELECT
    prompt_id, source, created_at, total,
    row_number() OVER (PARTITION BY prompt_id, source ORDER BY version_no NULLS LAST, row_id) AS place
  FROM scored_versions
  WHERE scale = 'judge' AND created_at IS NOT NULL AND source IS NOT NULL AND total IS NOT NULL
),
agents AS (SELECT source, avg(total) AS mean FROM ranked WHERE place = 1 GROUP BY source),
first_versions AS (
  SELECT r.prompt_id, r.created_at, r.total - a.mean AS off
  FROM ranked AS r JOIN agents AS a ON a.source = r.source
  WHERE r.place = 1
),
thirds AS (
  SELECT off, ntile(3) OVER (ORDER BY asked_at NULLS LAST, prompt_id NULLS LAST) AS third
  FROM (SELECT prompt_id, min(created_at) AS asked_at, avg(off) AS off FROM first_versions GROUP BY prompt_id) AS prompts
),
means AS (
  SELECT
    third, count(*) AS prompts, avg(off) AS off, var_samp(off) AS spread
  FROM thirds GROUP BY third
)
-- The number of the row keeps Sail from testing a condition on `drift` before the thirds are there: it divides by zero then.
SELECT prompts, drift, error
FROM (
  SELECT
    f.prompts + m.prompts + l.prompts AS prompts, l.off - f.off AS drift,
    sqrt(f.spread / nullif(f.prompts, 0) + l.spread / nullif(l.prompts, 0)) AS error,
    row_number() OVER (ORDER BY l.off NULLS LAST) AS place
  FROM means AS f JOIN means AS m ON m.third = 2 JOIN means AS l ON l.third = 3
  WHERE f.third = 1 AND f.prompts > 1
) AS compared
WHERE place = 1
