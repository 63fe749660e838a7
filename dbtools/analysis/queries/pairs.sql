-- By how much do agents differ in the contests in which both met? One row per pair of agents that did.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count), $outcome (total, or a kind of
-- win: recorded, score, selected, user), $distinct (whether only one contest of each prompt text counts), $ranked (whether
-- ranks are wanted), $listed (up to how many clusters are handed over one by one).
-- d = the outcome of a less that of b; n, total, squares: over contests; sum_squares, cross, sizes: over clusters, as
-- ClusterSums names them. ranked, positive, rank_ties: of the cluster means by size, for a signed-rank test.
WITH
chosen AS MATERIALIZED (
  SELECT
    contest, cluster, agent,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN "user"
    END AS outcome
  FROM entries
  WHERE list_contains($kinds, provenance) AND outcome IS NOT NULL
),
counted AS (
  SELECT *
  FROM chosen
  WHERE NOT $distinct OR contest IN (SELECT min(contest) FROM chosen WHERE $distinct GROUP BY cluster)
),
meetings AS (
  -- Totals are sums of marks: the ninth decimal is noise.
  SELECT x.agent AS a, y.agent AS b, x.cluster, round(x.outcome - y.outcome, 9) AS d
  FROM counted AS x JOIN counted AS y ON y.contest = x.contest AND x.agent < y.agent
),
clusters AS MATERIALIZED (
  SELECT
    a, b, cluster, count(*) AS n, sum(d) AS s, round(s / n, 9) AS mean, sum(d * d) AS squares,
    count(*) FILTER (d > 0) AS above, count(*) FILTER (d = 0) AS ties
  FROM meetings
  GROUP BY a, b, cluster
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
),
few AS (SELECT a, b, count(*) <= $listed AS listed FROM clusters GROUP BY a, b)
SELECT
  a, b, sum(n) AS n, count(*) AS clusters, sum(s) AS total, sum(squares) AS squares, sum(s * s) AS sum_squares,
  sum(s * n) AS "cross", sum(n * n) AS sizes, sum(above) AS above, sum(ties) AS ties,
  list({'s': s, 'mean': mean} ORDER BY cluster) FILTER (listed) AS listed,
  any_value(ranked) AS ranked, any_value(positive) AS positive, any_value(rank_ties) AS rank_ties
FROM clusters JOIN few USING (a, b) LEFT JOIN signed USING (a, b)
GROUP BY a, b
ORDER BY a, b
