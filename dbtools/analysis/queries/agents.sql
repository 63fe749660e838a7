-- How did each agent fare, and what is its mean worth? One row per agent: by kind of win how many contests can be told
-- and how many it won (a shared win counts as a fraction), then the sums that clustered means need.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- Of measure x and cluster g with n_g scored rows and sum S_g: sum_x = sum S_g, square_x = sum of the squares of single
-- values, within_x = sum S_g squared, cross_x = sum S_g n_g; sizes = sum n_g squared.
WITH
chosen AS (SELECT * FROM entries WHERE list_contains($kinds, provenance)),
wins AS (
  SELECT
    agent, count(recorded) AS told_recorded, sum(recorded) AS won_recorded,
    count(score) FILTER (scale = $scale) AS told_score, sum(score) FILTER (scale = $scale) AS won_score,
    count(selected) AS told_selected, sum(selected) AS won_selected, count("user") AS told_user, sum("user") AS won_user
  FROM chosen
  GROUP BY agent
),
texts AS (
  SELECT agent, sum(size) AS prompts, sum(size * size) AS prompt_sizes
  FROM (SELECT agent, count(*) AS size FROM chosen GROUP BY agent, cluster)
  GROUP BY agent
),
clusters AS (
  SELECT
    agent, count(*) AS n, sum(COLUMNS('^(total|clarity|specificity|actionability|structure|context_use)$')) AS 'sum_\1',
    sum(COLUMNS('^(total|clarity|specificity|actionability|structure|context_use)$') ** 2) AS 'square_\1'
  FROM chosen
  WHERE scale = $scale AND total IS NOT NULL
  GROUP BY agent, cluster
),
scored AS (
  SELECT
    agent, sum(n) AS n, count(*) AS clusters, sum(n * n) AS sizes, sum(COLUMNS('(sum|square)_.*')),
    sum(COLUMNS('sum_(.*)') ** 2) AS 'within_\1', sum(COLUMNS('sum_(.*)') * n) AS 'cross_\1'
  FROM clusters
  GROUP BY agent
)
SELECT *
FROM wins JOIN texts USING (agent) LEFT JOIN scored USING (agent)
ORDER BY agent
