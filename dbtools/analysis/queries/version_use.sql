-- How many versions of the competing agents are compared, and why are the others not? One row.
-- Parameters: $scale (the one scale whose scores count). Reads the working tables entries and attempts.
-- unanswered: failed runs in prompts that no agent answered (no entries, where failed runs are losses);
-- unscored: without a score, or with one of its dimensions missing; unopposed: the only version of its prompt on this scale.
SELECT
  count(*) AS entries, count(*) FILTER (WHERE scale IS NULL) AS unscored,
  count(*) FILTER (WHERE scale IS NOT NULL AND measured = 0) AS other_scale,
  count(*) FILTER (WHERE measured = 1 AND (contest IS NULL OR rivals < 2)) AS unopposed,
  count(*) FILTER (WHERE measured = 1 AND contest IS NOT NULL AND rivals > 1) AS compared,
  (SELECT count(*) FROM attempts WHERE answered = 0) AS unanswered
FROM (
  SELECT contest, scale, measured, sum(measured) OVER (PARTITION BY contest) AS rivals
  FROM (
    SELECT contest, scale, CASE WHEN scale = $scale AND total IS NOT NULL THEN 1 ELSE 0 END AS measured FROM entries
  ) AS flagged
) AS counted
ORDER BY entries
