-- In how many of the prompts that some agent answered did a run of each agent fail? One row per agent and number of prompts
-- of a text. Reads the working table attempts. (No parameters.)
-- n: prompts of a text; clusters: how many such texts; total, squares: over these texts, the sum of S and of its square, with S the
-- failed prompts of one text.
WITH sums AS (SELECT agent, count(*) AS n, sum(failed) AS s FROM attempts WHERE answered = 1 GROUP BY agent, cluster)
SELECT agent, n, count(*) AS clusters, sum(s) AS total, sum(s * s) AS squares
FROM sums
GROUP BY agent, n
ORDER BY agent, n
