-- How far do two kinds of win name the same agents? One row per pair of kinds and agent, over the contests both can tell.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- Numbers of kinds: 1 recorded, 2 score, 3 selected, 4 user. Over all agents, one sums to the number of contests.
WITH
wins AS (
  SELECT agent, recorded, CASE WHEN scale = $scale THEN score END AS score, selected, voted
  FROM entries
),
compared AS (
  SELECT
    k.x, k.y, t.agent,
    CASE k.x WHEN 1 THEN t.recorded WHEN 2 THEN t.score ELSE t.selected END AS one,
    CASE k.y WHEN 2 THEN t.score WHEN 3 THEN t.selected ELSE t.voted END AS other
  FROM wins AS t CROSS JOIN (VALUES (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)) AS k (x, y)
)
SELECT x, y, agent, sum(one) AS one, sum(other) AS other, sum(one * other) AS shared
FROM compared
WHERE one IS NOT NULL AND other IS NOT NULL
GROUP BY x, y, agent
ORDER BY x, y, agent
