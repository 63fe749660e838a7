-- Which versions can be rated against each other? One row per prompt and competing agent, of prompts with several agents: the
-- agent's last real version, where its text and the prompt's are there. Parameters: $most (of so many prompt texts, chosen by
-- $seed). text: the same for prompts of the same normalised text.
WITH
asked AS (SELECT count(*) AS names FROM named_agents),
usable AS (
  SELECT e.prompt_id, coalesce(p.text_key, p.id)::VARCHAR AS text, e.source AS agent, e.version_id, v.text_hash AS same
  FROM contest_entries AS e
  CROSS JOIN asked
  LEFT JOIN named_agents AS n ON n.source = e.source
  JOIN prompts AS p ON p.id = e.prompt_id
  JOIN versions AS v ON v.id = e.version_id AND v.prompt_id = e.prompt_id
  WHERE e.provenance = 'real' AND trim(v.text) <> '' AND trim(p.original_text) <> ''
    AND CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE e.competes AND e.source <> '' END
),
several AS (
  SELECT prompt_id, any_value(text) AS text FROM usable GROUP BY prompt_id HAVING count(DISTINCT agent) > 1
),
chosen AS (
  SELECT text FROM (SELECT DISTINCT text FROM several) ORDER BY md5(text || $seed), text LIMIT $most
)
SELECT u.prompt_id::VARCHAR AS prompt, u.text, u.agent, u.version_id::VARCHAR AS version, u.same::VARCHAR AS same
FROM usable AS u JOIN several AS s ON s.prompt_id = u.prompt_id JOIN chosen AS c ON c.text = s.text
ORDER BY u.text, u.prompt_id, u.agent, u.version_id
