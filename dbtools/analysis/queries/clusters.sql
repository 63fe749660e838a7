-- By how much do two agents differ in each prompt text in which both took part? (A working table.) One row per pair and cluster.
-- Parameters: $scale (the one scale whose scores count), $outcome (total, or a kind of
-- win: recorded, score, selected, user), $distinct (whether only one contest of each prompt text counts).
-- d = the outcome of a less that of b; n, s, squares: contests, sum of d, sum of its squares; mean = s / n.
WITH
outcomes AS (
  SELECT
    a, b, contest, cluster, repeated,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN voted
    END AS d
  FROM paired
),
known AS (SELECT * FROM outcomes WHERE d IS NOT NULL),
firsts AS (  -- of each pair by itself: another pair may have taken part earlier
  SELECT a, b, cluster, min(contest) AS contest FROM known WHERE $distinct AND repeated GROUP BY a, b, cluster
),
chosen AS (
  SELECT k.a, k.b, k.cluster, k.repeated, k.d
  FROM known AS k LEFT JOIN firsts AS f ON f.a = k.a AND f.b = k.b AND f.contest = k.contest
  WHERE NOT $distinct OR NOT k.repeated OR f.contest IS NOT NULL
),
sums AS (
  SELECT
    a, b, cluster, count(*) AS n, sum(d) AS s, sum(d * d) AS squares, count(*) FILTER (WHERE d > 0) AS above,
    count(*) FILTER (WHERE d = 0) AS ties
  FROM chosen
  WHERE repeated
  GROUP BY a, b, cluster
)
SELECT a, b, cluster, n, s, floor(s * 1e9 / n + 0.5e0) / 1e9 AS mean, squares, above, ties FROM sums
UNION ALL
-- Most texts are asked once: their contest is a cluster by itself.
SELECT a, b, cluster, 1, d, d, d * d, CASE WHEN d > 0 THEN 1 ELSE 0 END, CASE WHEN d = 0 THEN 1 ELSE 0 END
FROM chosen
WHERE NOT repeated
