-- In which position of its prompt does each agent write? One row per agent and position.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- position_no: 1 = first in its prompt; lead_of: mean of the total less the contest's mean.
WITH
placed AS (
  SELECT contest, agent, scale, total, row_number() OVER (PARTITION BY contest ORDER BY turn) AS position_no FROM entries
),
chosen AS (SELECT coalesce(contest, 0) AS contest, agent, position_no, total FROM placed WHERE scale = $scale AND total IS NOT NULL),
means AS (SELECT contest, avg(total) AS total FROM chosen GROUP BY contest)
SELECT c.agent, c.position_no, count(*) AS rows, avg(c.total - m.total) AS lead_of
FROM chosen AS c JOIN means AS m ON m.contest = c.contest
GROUP BY c.agent, c.position_no
ORDER BY c.agent, c.position_no
