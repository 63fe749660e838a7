-- How far do two kinds of win name the same agents? One row per pair of kinds and agent, over the contests both can tell.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- Numbers of kinds: 1 recorded, 2 score, 3 selected, 4 user. Over all agents, first sums to the number of contests.
WITH
told AS (
  SELECT agent, [recorded, CASE WHEN scale = $scale THEN score END, selected, "user"] AS won
  FROM entries
  WHERE list_contains($kinds, provenance)
)
SELECT x, y, agent, sum(won[x]) AS first, sum(won[y]) AS second, sum(won[x] * won[y]) AS both
FROM told, (VALUES (1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)) AS pairs (x, y)
WHERE won[x] IS NOT NULL AND won[y] IS NOT NULL
GROUP BY x, y, agent
ORDER BY x, y, agent
