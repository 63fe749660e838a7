-- By how much did two agents differ in each contest, and in which segment is its prompt? One row per contest.
-- Parameters: $a, $b (the agents; d = total of a less that of b), $scale. Reads the working tables paired and
-- segment_labels. segment: NULL where the prompt has none; cluster: prompts of one normalised text.
WITH labels AS (SELECT prompt_id, min(segment) AS segment FROM segment_labels GROUP BY prompt_id)
SELECT p.cluster, l.segment, CASE WHEN p.a = $a THEN p.total ELSE -p.total END AS d
FROM paired AS p LEFT JOIN labels AS l ON l.prompt_id = p.prompt_id
WHERE p.scale = $scale AND p.total IS NOT NULL AND ((p.a = $a AND p.b = $b) OR (p.a = $b AND p.b = $a))
ORDER BY p.contest
