-- In which texts did one agent fail more often than another? One row per pair of agents and text in which they differ. Reads
-- the working table attempts. (No parameters.)
-- s: failed prompts of a less those of b, over the prompts in which both took part.
SELECT x.agent AS a, y.agent AS b, x.cluster, sum(x.failed - y.failed) AS s
FROM attempts AS x JOIN attempts AS y ON y.prompt_id = x.prompt_id AND x.agent < y.agent
WHERE x.failed <> y.failed AND x.answered = 1
GROUP BY x.agent, y.agent, x.cluster
HAVING sum(x.failed - y.failed) <> 0
ORDER BY x.agent, y.agent, x.cluster NULLS LAST
