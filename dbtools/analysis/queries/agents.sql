-- How did each agent fare in the contests of one provenance? One row per agent.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all), $wins (recorded or score).
-- contests: those in which the kind of win can be told; mean_total: over the agent's scored versions on the judge's scale.
WITH
chosen AS (
  SELECT *, CASE $wins WHEN 'recorded' THEN recorded_win::INTEGER::DOUBLE WHEN 'score' THEN score_win END AS win
  FROM contests
  WHERE $provenance IN (provenance, 'all')
)
SELECT
  agent, count(win) AS contests, coalesce(sum(win), 0) AS wins, sum(win) / nullif(count(win), 0) AS win_rate,
  avg(total) FILTER (scale = 'judge') AS mean_total, count(total) FILTER (scale = 'judge') AS scored
FROM chosen
GROUP BY agent
ORDER BY win_rate DESC NULLS LAST, agent
