-- In which prompts did each agent take part, and did a run of it fail there? (A working table.) One row per prompt and agent.
-- Parameters: $kinds (the provenances of the answers that count).
-- failed: 1 where a version of the agent is a placeholder, whether it was run again or not; answered: 1 where some agent
-- answered the prompt.
SELECT prompt_id, agent, cluster, failed, max(answer) OVER (PARTITION BY prompt_id) AS answered
FROM (
  SELECT
    prompt_id, agent, min(cluster) AS cluster, max(CASE WHEN provenance = 'placeholder' THEN 1 ELSE 0 END) AS failed,
    max(CASE WHEN provenance = 'placeholder' THEN 0 ELSE 1 END) AS answer
  FROM candidates
  WHERE provenance = 'placeholder' OR array_contains($kinds, provenance)
  GROUP BY prompt_id, agent
) AS own
