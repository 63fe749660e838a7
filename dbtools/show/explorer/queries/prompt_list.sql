-- How far is each agent above the best of the others, prompt by prompt? One row per prompt and agent, the largest
-- differences first. Parameters: $kinds (provenances), $scale, $agents (empty: all), $most (rows).
-- Among several provenances, an agent competes with its last version, as in effectiveness.
WITH
latest AS (
  SELECT prompt_id, agent, scale, total
  FROM contests
  WHERE list_contains($kinds, provenance)
    AND (len($agents::VARCHAR[]) = 0 OR list_contains($agents::VARCHAR[], agent))
  QUALIFY row_number() OVER (
    PARTITION BY prompt_id, agent ORDER BY version_no DESC NULLS LAST, created_at DESC NULLS LAST, provenance
  ) = 1
),
entries AS (
  SELECT prompt_id, agent, total FROM latest WHERE scale = $scale AND total IS NOT NULL
),
compared AS (
  SELECT
    prompt_id, agent, total - (SELECT max(o.total) FROM entries AS o WHERE o.prompt_id = e.prompt_id AND o.agent <> e.agent)
      AS lead,
    count(*) OVER (PARTITION BY prompt_id) AS agents,
    max(total) OVER (PARTITION BY prompt_id) - min(total) OVER (PARTITION BY prompt_id) AS spread
  FROM entries AS e
)
SELECT
  c.prompt_id::VARCHAR AS prompt_id, any_value(p.created_at) AS asked, any_value(p.user_id) AS user_id,
  (SELECT any_value(v.source) FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id
   WHERE h.prompt_id = c.prompt_id) AS head,
  c.agent, any_value(c.lead) AS lead, any_value(c.spread) AS spread
FROM compared AS c LEFT JOIN prompts AS p ON p.id = c.prompt_id
WHERE c.agents > 1
GROUP BY c.prompt_id, c.agent
ORDER BY spread DESC, prompt_id, c.agent
LIMIT $most
