-- How did each agent fare, and what are its mean scores? One row per agent: by kind of win how many contests can be told
-- and how many it won (a shared win counts as a fraction) and would win by chance (1 / agents each), then the sums that clustered means need.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- Of dimension x and cluster g with n_g scored rows and sum S_g: sum_x = sum S_g, square_x = sum of the squares of single
-- values, within_x = sum S_g squared, cross_x = sum S_g n_g; sizes = sum n_g squared.
WITH
wins AS (
  SELECT
    agent, count(recorded) AS decidable_recorded, sum(recorded) AS wins_recorded,
    count(score) FILTER (WHERE scale = $scale) AS decidable_score, sum(score) FILTER (WHERE scale = $scale) AS wins_score,
    count(selected) AS decidable_selected, sum(selected) AS wins_selected, count(voted) AS decidable_user, sum(voted) AS wins_user,
    sum(1e0 / agents) FILTER (WHERE recorded IS NOT NULL) AS chance_recorded,
    sum(1e0 / agents) FILTER (WHERE score IS NOT NULL AND scale = $scale) AS chance_score,
    sum(1e0 / agents) FILTER (WHERE selected IS NOT NULL) AS chance_selected,
    sum(1e0 / agents) FILTER (WHERE voted IS NOT NULL) AS chance_user
  FROM entries
  GROUP BY agent
),
measured AS (
  SELECT agent, cluster, repeated, clarity, specificity, actionability, structure, context_use
  FROM entries
  WHERE scale = $scale AND total IS NOT NULL
),
clusters AS (
  SELECT
    agent, count(*) AS n, sum(clarity) AS sum_clarity, sum(specificity) AS sum_specificity,
    sum(actionability) AS sum_actionability, sum(structure) AS sum_structure, sum(context_use) AS sum_context_use,
    sum(clarity * clarity) AS square_clarity, sum(specificity * specificity) AS square_specificity,
    sum(actionability * actionability) AS square_actionability, sum(structure * structure) AS square_structure,
    sum(context_use * context_use) AS square_context_use
  FROM measured
  WHERE repeated
  GROUP BY agent, cluster
  UNION ALL
  SELECT
    agent, 1, clarity, specificity, actionability, structure, context_use, clarity * clarity, specificity * specificity,
    actionability * actionability, structure * structure, context_use * context_use
  FROM measured
  WHERE NOT repeated
),
scored AS (
  SELECT
    agent, sum(n) AS n, count(*) AS clusters, sum(n * n) AS sizes, sum(sum_clarity) AS sum_clarity,
    sum(sum_specificity) AS sum_specificity, sum(sum_actionability) AS sum_actionability,
    sum(sum_structure) AS sum_structure, sum(sum_context_use) AS sum_context_use, sum(square_clarity) AS square_clarity,
    sum(square_specificity) AS square_specificity, sum(square_actionability) AS square_actionability,
    sum(square_structure) AS square_structure, sum(square_context_use) AS square_context_use,
    sum(sum_clarity * sum_clarity) AS within_clarity, sum(sum_specificity * sum_specificity) AS within_specificity,
    sum(sum_actionability * sum_actionability) AS within_actionability,
    sum(sum_structure * sum_structure) AS within_structure,
    sum(sum_context_use * sum_context_use) AS within_context_use, sum(sum_clarity * n) AS cross_clarity,
    sum(sum_specificity * n) AS cross_specificity, sum(sum_actionability * n) AS cross_actionability,
    sum(sum_structure * n) AS cross_structure, sum(sum_context_use * n) AS cross_context_use
  FROM clusters
  GROUP BY agent
)
SELECT *
FROM wins LEFT JOIN scored USING (agent)
ORDER BY agent
