-- By how much do agents differ in the contests in which both met? One row per pair of agents that did.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count), $outcome (total, or a kind of
-- win: recorded, score, selected, user), $distinct (whether only one contest of each prompt text counts), $ranked (whether
-- ranks are wanted), $listed (up to how many clusters are handed over one by one).
-- d = the outcome of a less that of b; n, total, squares: over contests; sum_squares, cross, sizes: over clusters, as
-- ClusterSums names them. ranked, positive, rank_ties: of the cluster means by size, for a signed-rank test.
WITH
firsts AS (
  SELECT min(contest) AS contest
  FROM entries
  WHERE $distinct AND repeated AND list_contains($kinds, provenance) AND CASE $outcome
      WHEN 'total' THEN scale = $scale AND total IS NOT NULL
      WHEN 'score' THEN scale = $scale AND score IS NOT NULL
      WHEN 'recorded' THEN recorded IS NOT NULL WHEN 'selected' THEN selected IS NOT NULL
      WHEN 'user' THEN "user" IS NOT NULL
    END
  GROUP BY cluster
),
chosen AS (
  SELECT
    a, b, cluster, repeated,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN "user"
    END AS d
  FROM meetings
  WHERE list_contains($kinds, provenance) AND d IS NOT NULL
    AND (NOT $distinct OR NOT repeated OR contest IN (SELECT contest FROM firsts))
),
clusters AS MATERIALIZED (
  -- Most texts are asked once: their contest is a cluster by itself.
  SELECT a, b, cluster, 1 AS n, d AS s, d AS mean, d * d AS squares, (d > 0)::INTEGER AS above, (d = 0)::INTEGER AS ties
  FROM chosen
  WHERE NOT repeated
  UNION ALL
  SELECT
    a, b, cluster, count(*), sum(d) AS s, round(s / count(*), 9), sum(d * d), count(*) FILTER (d > 0),
    count(*) FILTER (d = 0)
  FROM chosen
  WHERE repeated
  GROUP BY a, b, cluster
),
sums AS (
  SELECT
    a, b, sum(n) AS n, count(*) AS clusters, sum(s) AS total, sum(squares) AS squares, sum(s * s) AS sum_squares,
    sum(s * n) AS "cross", sum(n * n) AS sizes, sum(above) AS above, sum(ties) AS ties
  FROM clusters
  GROUP BY a, b
),
listings AS (
  SELECT a, b, list({'s': c.s, 'mean': c.mean} ORDER BY c.cluster) AS listed
  FROM clusters AS c JOIN sums AS x USING (a, b)
  WHERE x.clusters <= $listed
  GROUP BY a, b
),
sizes AS (
  SELECT a, b, abs(mean) AS size, count(*) AS t, count(*) FILTER (mean > 0) AS positive
  FROM clusters
  WHERE $ranked AND mean <> 0
  GROUP BY a, b, size
),
ranks AS (
  SELECT *, sum(t) OVER (PARTITION BY a, b ORDER BY size ROWS UNBOUNDED PRECEDING) - (t - 1) / 2 AS rank FROM sizes
),
signed AS (
  SELECT a, b, sum(t) AS ranked, sum(positive * rank) AS positive, sum(t::DOUBLE ** 3 - t) AS rank_ties
  FROM ranks
  GROUP BY a, b
)
SELECT sums.*, listed, ranked, positive, rank_ties
FROM sums LEFT JOIN listings USING (a, b) LEFT JOIN signed USING (a, b)
ORDER BY a, b
