-- By how much did two agents differ in each contest, and how much longer was one text? One row per pair and contest, in time
-- order. Parameters: $scale (the one scale whose scores count). Reads the working table entries; pair_numbers numbers the pairs.
-- d: total of a less that of b; ratio: logarithm of the length of a over that of b, NULL without a text. A contest is as
-- old as the later of the two versions.
WITH
compared AS (
  SELECT
    p.pair, x.contest, x.cluster,
    CASE WHEN x.created_at > y.created_at THEN x.created_at ELSE coalesce(y.created_at, x.created_at) END AS known_at,
    -- Totals are sums of scores: the ninth decimal is noise.
    floor((x.total - y.total) * 1e9 + 0.5e0) / 1e9 AS d,
    CASE WHEN x.text_length > 0 AND y.text_length > 0 THEN ln(1e0 * x.text_length / nullif(y.text_length, 0)) END AS ratio
  FROM entries AS x
  JOIN entries AS y ON y.contest = x.contest AND x.agent < y.agent
  JOIN pair_numbers AS p ON p.a = x.agent AND p.b = y.agent
  WHERE x.scale = $scale AND y.scale = $scale AND x.total IS NOT NULL AND y.total IS NOT NULL
)
SELECT pair, cluster, d, ratio
FROM compared
ORDER BY pair, known_at NULLS LAST, contest NULLS LAST
