-- By how much do two agents differ in each prompt text in which both met? (A working table.) One row per pair and cluster.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count), $outcome (total, or a kind of
-- win: recorded, score, selected, user), $distinct (whether only one contest of each prompt text counts).
-- d = the outcome of a less that of b; n, s, squares: contests, sum of d, sum of its squares; mean = s / n.
WITH
chosen AS (
  SELECT
    contest, cluster, agent,
    CASE $outcome
      WHEN 'total' THEN CASE WHEN scale = $scale THEN total END
      WHEN 'score' THEN CASE WHEN scale = $scale THEN score END
      WHEN 'recorded' THEN recorded WHEN 'selected' THEN selected WHEN 'user' THEN voted
    END AS outcome
  FROM entries
  WHERE array_contains($kinds, provenance)
),
firsts AS (
  SELECT cluster, min(contest) AS contest FROM chosen WHERE $distinct AND outcome IS NOT NULL GROUP BY cluster
),
counted AS (
  SELECT c.contest, c.cluster, c.agent, c.outcome
  FROM chosen AS c LEFT JOIN firsts AS f ON f.contest = c.contest
  WHERE c.outcome IS NOT NULL AND (NOT $distinct OR f.contest IS NOT NULL)
),
meetings AS (
  -- Totals are sums of marks: the ninth decimal is noise.
  SELECT x.agent AS a, y.agent AS b, x.cluster, floor((x.outcome - y.outcome) * 1e9 + 0.5e0) / 1e9 AS d
  FROM counted AS x JOIN counted AS y ON y.contest = x.contest AND x.agent < y.agent
),
clusters AS (
  SELECT
    a, b, cluster, count(*) AS n, sum(d) AS s, sum(d * d) AS squares,
    count(*) FILTER (WHERE d > 0) AS above, count(*) FILTER (WHERE d = 0) AS ties
  FROM meetings
  GROUP BY a, b, cluster
)
SELECT a, b, cluster, n, s, floor(s * 1e9 / n + 0.5e0) / 1e9 AS mean, squares, above, ties FROM clusters
