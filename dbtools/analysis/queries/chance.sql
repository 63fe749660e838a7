-- How often would an agent win by chance? One row: the mean of 1 / number of agents, over the contests in which the recorded
-- heads, and in which the users' votes, decide. Reads the working table entries. (No parameters.)
SELECT
  avg(CASE WHEN recorded IS NOT NULL THEN power(agents, -1e0) END) AS recorded,
  avg(CASE WHEN voted IS NOT NULL THEN power(agents, -1e0) END) AS voted,
  count(DISTINCT CASE WHEN recorded IS NOT NULL THEN contest END) AS recorded_contests,
  count(DISTINCT CASE WHEN voted IS NOT NULL THEN contest END) AS voted_contests
FROM entries
ORDER BY recorded_contests NULLS LAST
