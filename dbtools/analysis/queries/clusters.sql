-- By how much do two agents differ in each prompt text in which both took part? (A working table.) One row per pair and cluster.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose scores count), $outcome (total, or a kind of
-- win: recorded, score, selected, user), $distinct (whether only one contest of each prompt text counts).
-- d = the outcome of a less that of b; n, s, squares: contests, sum of d, sum of its squares; mean = s / n.
WITH
firsts AS (
  SELECT min(contest) AS contest
  FROM entries
  WHERE $distinct AND repeated AND array_contains($kinds, provenance) AND CASE $outcome
      WHEN 'total' THEN scale = $scale AND total IS NOT NULL
      WHEN 'score' THEN scale = $scale AND score IS NOT NULL
      WHEN 'recorded' THEN recorded IS NOT NULL WHEN 'selected' THEN selected IS NOT NULL
      WHEN 'user' THEN voted IS NOT NULL
    END
  GROUP BY cluster
),
outcomes AS (
  SELECT
    a, b, contest, cluster, repeated,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN voted
    END AS d
  FROM paired
  WHERE array_contains($kinds, provenance)
),
chosen AS (
  SELECT o.a, o.b, o.cluster, o.repeated, o.d
  FROM outcomes AS o LEFT JOIN firsts AS f ON f.contest = o.contest
  WHERE o.d IS NOT NULL AND (NOT $distinct OR NOT o.repeated OR f.contest IS NOT NULL)
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
