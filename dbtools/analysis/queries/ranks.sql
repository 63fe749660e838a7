-- How do the texts in which one agent is above rank among all, by the size of the difference? One row per pair of agents.
-- Reads the working table clusters. (No parameters.)
-- Of the cluster means that are not 0: how many, the rank sum of those above 0, the correction for ties.
WITH
sizes AS (
  SELECT a, b, abs(mean) AS size, count(*) AS t, count(*) FILTER (WHERE mean > 0) AS positive
  FROM clusters
  WHERE mean <> 0
  GROUP BY a, b, abs(mean)
),
ranks AS (
  SELECT
    a, b, t, positive,
    sum(t) OVER (PARTITION BY a, b ORDER BY size NULLS LAST ROWS UNBOUNDED PRECEDING) - 0.5e0 * (t - 1) AS place
  FROM sizes
)
SELECT a, b, sum(t) AS ranked, sum(positive * place) AS positive, sum(1e0 * t * t * t - t) AS rank_ties
FROM ranks
GROUP BY a, b
ORDER BY a, b
