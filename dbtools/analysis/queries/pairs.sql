-- By how much do agents differ in the contests in which both took part? One row per pair of agents that did. Reads the working
-- table clusters. (No parameters.)
-- n, total, squares: over contests; sum_squares, crossed, sizes: over clusters, as ClusterSums names them.
SELECT
  a, b, sum(n) AS n, count(*) AS clusters, sum(s) AS total, sum(squares) AS squares, sum(s * s) AS sum_squares,
  sum(s * n) AS crossed, sum(n * n) AS sizes, sum(above) AS above, sum(ties) AS ties
FROM clusters
GROUP BY a, b
ORDER BY a, b
