-- How did each agent's versions score over time? One row per agent, scale and period; the longer the span, the longer
-- the periods. Parameters: $provenance (real, generated, placeholder, unknown, or all), $prompt_id (NULL: all prompts).
-- mean_total: on 0–50; se: its standard error, NULL for a single version.
WITH
chosen AS (
  SELECT source, scale, total, created_at
  FROM scored_versions
  WHERE competes AND total IS NOT NULL AND created_at IS NOT NULL
    AND $provenance IN (provenance, 'all') AND ($prompt_id IS NULL OR prompt_id = $prompt_id::UUID)
),
span AS (
  SELECT date_diff('day', min(created_at), max(created_at)) AS days FROM chosen
)
SELECT
  source AS agent, scale,
  date_trunc(CASE WHEN days <= 31 THEN 'day' WHEN days <= 366 THEN 'month' WHEN days <= 3660 THEN 'quarter' ELSE 'year' END,
    created_at)::TIMESTAMP AS period,
  count(*) AS n, avg(total) AS mean_total, stddev_samp(total) / sqrt(count(*)) AS se
FROM chosen, span
GROUP BY ALL
ORDER BY agent, scale, period
