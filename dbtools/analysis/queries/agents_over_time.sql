-- How did each agent's versions score over time? One row per agent, scale and period; the longer the span, the longer
-- the periods. Parameters: $provenance (real, generated, placeholder, unknown, or all), $prompt_id (NULL: all prompts).
-- mean_total: on 0–50; se: its standard error, versions taken as independent, NULL for a single version.
WITH
chosen AS (
  SELECT source, scale, total, created_at
  FROM scored_versions
  WHERE competes AND total IS NOT NULL AND created_at IS NOT NULL
    AND ($provenance = 'all' OR provenance = $provenance) AND ($prompt_id IS NULL OR prompt_id = $prompt_id)
),
span AS (
  SELECT date_trunc('day', min(created_at)) AS first_day, date_trunc('day', max(created_at)) AS last_day FROM chosen
),
placed AS (
  SELECT
    c.source AS agent, c.scale, c.total,
    CASE
      WHEN s.last_day <= s.first_day + INTERVAL '31' DAY THEN date_trunc('day', c.created_at)
      WHEN s.last_day <= s.first_day + INTERVAL '366' DAY THEN date_trunc('month', c.created_at)
      WHEN s.last_day <= s.first_day + INTERVAL '3660' DAY THEN date_trunc('quarter', c.created_at)
      ELSE date_trunc('year', c.created_at)
    END AS period
  FROM chosen AS c CROSS JOIN span AS s
)
SELECT
  agent, scale, cast(period AS TIMESTAMP) AS period, count(*) AS n, avg(total) AS mean_total,
  stddev_samp(total) / sqrt(1e0 * count(*)) AS se
FROM placed
GROUP BY agent, scale, period
ORDER BY agent NULLS LAST, scale, period
