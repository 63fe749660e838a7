-- Does a longer answer get a higher total within one prompt? One row: sums over clusters of the centred values.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- x = log2 of the length, y = total, both less their mean in the contest; A and B of a cluster are the sums of xy and xx.
WITH
sized AS (
  SELECT coalesce(contest, 0) AS contest, cluster, ln(1e0 * text_length) / ln(2e0) AS size, total
  FROM entries
  WHERE scale = $scale AND total IS NOT NULL AND text_length > 0
),
means AS (SELECT contest, avg(size) AS size, avg(total) AS total FROM sized GROUP BY contest),
centred AS (
  SELECT s.cluster, s.size - m.size AS x, s.total - m.total AS y
  FROM sized AS s JOIN means AS m ON m.contest = s.contest
),
clusters AS (SELECT cluster, count(*) AS n, sum(x * y) AS a, sum(x * x) AS b FROM centred GROUP BY cluster)
SELECT
  coalesce(sum(n), 0) AS n, count(*) AS clusters, coalesce(sum(a), 0e0) AS xy, coalesce(sum(b), 0e0) AS xx,
  coalesce(sum(a * a), 0e0) AS aa, coalesce(sum(a * b), 0e0) AS ab, coalesce(sum(b * b), 0e0) AS bb
FROM clusters
ORDER BY n
