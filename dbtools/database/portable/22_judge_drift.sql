-- By how much do the judge's totals differ between the first and the last third of the prompts? One row, or none.
-- Only the first version of each agent in a prompt counts, less the mean of that agent; each prompt counts once. drift:
-- in points of 50; error: its standard error. (No parameters.)
WITH
first_versions AS (
  SELECT prompt_id, created_at, total - avg(total) OVER (PARTITION BY source) AS off
  FROM (
    SELECT
      prompt_id, source, created_at, total,
      row_number() OVER (PARTITION BY prompt_id, source ORDER BY version_no NULLS LAST, row_id) AS place
    FROM scored_versions
    WHERE scale = 'judge' AND created_at IS NOT NULL AND source IS NOT NULL
  ) AS ranked
  WHERE place = 1
),
thirds AS (
  SELECT off, ntile(3) OVER (ORDER BY asked_at NULLS LAST, prompt_id NULLS LAST) AS third
  FROM (SELECT prompt_id, min(created_at) AS asked_at, avg(off) AS off FROM first_versions GROUP BY prompt_id) AS prompts
),
means AS (
  SELECT third, count(*) AS prompts, avg(off) AS off, var_samp(off) AS spread FROM thirds GROUP BY third
)
SELECT
  f.prompts + m.prompts + l.prompts AS prompts, l.off - f.off AS drift,
  sqrt(f.spread / f.prompts + l.spread / l.prompts) AS error
FROM means AS f JOIN means AS m ON m.third = 2 JOIN means AS l ON l.third = 3
WHERE f.third = 1 AND f.prompts > 1
