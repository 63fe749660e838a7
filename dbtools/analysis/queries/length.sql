-- Does a longer answer get a higher total within one prompt? One row: sums over clusters of the centred values.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- x = log2 of the length, y = total, both less their mean in the contest; A and B of a cluster are the sums of xy and xx.
WITH
centred AS (
  SELECT
    cluster, log2(text_length) - avg(log2(text_length)) OVER contest AS x, total - avg(total) OVER contest AS y
  FROM entries
  WHERE list_contains($kinds, provenance) AND scale = $scale AND total IS NOT NULL AND text_length > 0
  WINDOW contest AS (PARTITION BY contest)
),
clusters AS (SELECT cluster, count(*) AS n, sum(x * y) AS a, sum(x * x) AS b FROM centred GROUP BY cluster)
SELECT
  coalesce(sum(n), 0) AS n, count(*) AS clusters, coalesce(sum(a), 0) AS xy, coalesce(sum(b), 0) AS xx,
  coalesce(sum(a * a), 0) AS aa, coalesce(sum(a * b), 0) AS ab, coalesce(sum(b * b), 0) AS bb
FROM clusters
ORDER BY n
