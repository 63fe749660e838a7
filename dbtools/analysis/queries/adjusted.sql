-- How do the agents' totals compare with the prompts held equal? One row per pair of agents (an agent with itself too) that met: the
-- normal equations of total = prompt + agent. Parameters: $scale (the one scale whose scores count).
-- n: contests with a rival; weight: sum of 1 / agents of the contest; above: sum of the total of a less the contest's mean.
WITH
measured AS (
  SELECT contest, agent, total FROM entries WHERE scale = $scale AND total IS NOT NULL AND contest IS NOT NULL
),
sizes AS (SELECT contest, count(*) AS m, avg(total) AS mean FROM measured GROUP BY contest HAVING count(*) > 1)
SELECT
  x.agent AS a, y.agent AS b, count(*) AS n, sum(1e0 / s.m) AS weight, sum(x.total) AS total, sum(x.total - s.mean) AS above
FROM measured AS x
JOIN sizes AS s ON s.contest = x.contest
JOIN measured AS y ON y.contest = x.contest AND x.agent <= y.agent
GROUP BY x.agent, y.agent
ORDER BY x.agent, y.agent
