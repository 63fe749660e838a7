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
  FROM (
    -- Most texts are asked once: what they add to the sums needs no grouping by text.
    SELECT agent, count(*) AS size FROM chosen WHERE repeated GROUP BY agent, cluster
    UNION ALL
    SELECT agent, 1 FROM chosen WHERE NOT repeated
  )
  GROUP BY agent
),
scores AS (
  SELECT
    agent, cluster, repeated, COLUMNS('^(total|clarity|specificity|actionability|structure|context_use)$') AS 'x_\1'
  FROM chosen
  WHERE scale = $scale AND total IS NOT NULL
),
clusters AS (
  SELECT agent, count(*) AS n, sum(COLUMNS('x_(.*)')) AS 'sum_\1', sum(COLUMNS('x_(.*)') * COLUMNS('x_(.*)')) AS 'square_\1'
  FROM scores
  WHERE repeated
  GROUP BY agent, cluster
),
parts AS (
  SELECT
    agent, sum(n) AS n, count(*) AS clusters, sum(n * n) AS sizes, sum(COLUMNS('(sum|square)_.*')),
    sum(COLUMNS('sum_(.*)') * COLUMNS('sum_(.*)')) AS 'within_\1', sum(COLUMNS('sum_(.*)') * n) AS 'cross_\1'
  FROM clusters
  GROUP BY agent
  UNION ALL BY NAME
  SELECT
    agent, count(*) AS n, count(*) AS clusters, count(*) AS sizes, sum(COLUMNS('x_(.*)')) AS 'sum_\1',
    sum(COLUMNS('x_(.*)') * COLUMNS('x_(.*)')) AS 'square_\1', sum(COLUMNS('x_(.*)') * COLUMNS('x_(.*)')) AS 'within_\1',
    sum(COLUMNS('x_(.*)')) AS 'cross_\1'
  FROM scores
  WHERE NOT repeated
  GROUP BY agent
),
scored AS (SELECT agent, sum(COLUMNS(* EXCLUDE agent)) FROM parts GROUP BY agent)
SELECT *
FROM wins JOIN texts USING (agent) LEFT JOIN scored USING (agent)
ORDER BY agent
