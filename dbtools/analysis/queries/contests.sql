-- What are the contests like: how many, over how many texts, on which scales, and what did the recorded heads forgo?
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- mixed: contests of several agents in which no win by score can be told (two scales, or a missing score); regret: mean of the
-- highest total less that of the recorded head's agent.
WITH
each_contest AS (
  SELECT
    contest, min(cluster) AS cluster, min(agents) AS agents, count(recorded) > 0 AS recorded,
    count(score) > 0 AS scored, count(*) FILTER (WHERE scale = $scale AND total IS NOT NULL) AS measured,
    max(total) FILTER (WHERE scale = $scale AND score IS NOT NULL)
      - max(total) FILTER (WHERE scale = $scale AND score IS NOT NULL AND recorded = 1) AS regret
  FROM entries
  GROUP BY contest
)
SELECT
  count(*) AS contests, count(DISTINCT cluster) AS texts, count(*) FILTER (WHERE agents = 1) AS alone,
  count(*) FILTER (WHERE agents > 1 AND NOT recorded) AS headless,
  count(*) FILTER (WHERE agents > 1 AND NOT scored) AS mixed,
  count(*) FILTER (WHERE measured > 1) AS compared, avg(regret) AS regret, count(regret) AS regretted
FROM each_contest
ORDER BY contests
