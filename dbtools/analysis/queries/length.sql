-- Does a longer answer get a higher total within one prompt? One row: sums over clusters of the centred values.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- x = log2 of the length, y = total, both less their mean in the contest; A and B of a cluster are the sums of xy and xx.
WITH
chosen AS (
  SELECT contest, cluster, log2(text_length) AS length, total
  FROM entries
  WHERE list_contains($kinds, provenance) AND scale = $scale AND total IS NOT NULL AND text_length > 0
),
means AS (SELECT contest, avg(length) AS length, avg(total) AS total FROM chosen GROUP BY contest),
centred AS (
  SELECT c.cluster, c.length - m.length AS x, c.total - m.total AS y
  FROM chosen AS c JOIN means AS m ON m.contest IS NOT DISTINCT FROM c.contest
),
clusters AS (SELECT cluster, count(*) AS n, sum(x * y) AS a, sum(x * x) AS b FROM centred GROUP BY cluster)
SELECT
  coalesce(sum(n), 0) AS n, count(*) AS clusters, coalesce(sum(a), 0) AS xy, coalesce(sum(b), 0) AS xx,
  coalesce(sum(a * a), 0) AS aa, coalesce(sum(a * b), 0) AS ab, coalesce(sum(b * b), 0) AS bb
FROM clusters
ORDER BY n
