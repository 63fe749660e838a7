-- How are an agent's outcomes spread over prompt texts? One row per agent and number of contests of a text.
-- Parameters: $scale (the one scale whose scores count), $outcome (total, or a kind of win: recorded, score, selected, user).
-- Reads the working table entries. n: contests of a text; clusters: how many such texts; total, squares: over these texts,
-- the sum of S and of its square, with S the sum of the outcomes of one text.
WITH
outcomes AS (
  SELECT
    agent, cluster, repeated,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN voted
    END AS d
  FROM entries
),
sums AS (
  SELECT agent, count(*) AS n, sum(d) AS s FROM outcomes WHERE d IS NOT NULL AND repeated GROUP BY agent, cluster
  UNION ALL
  -- Most texts are asked once: their contest is a cluster by itself.
  SELECT agent, 1, d FROM outcomes WHERE d IS NOT NULL AND NOT repeated
)
SELECT agent, n, count(*) AS clusters, sum(s) AS total, sum(s * s) AS squares
FROM sums
GROUP BY agent, n
ORDER BY agent, n
