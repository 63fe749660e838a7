-- Whose are the rated versions, and of which prompt texts? One row per id in rated_ids that the database has. Competing are
-- the sources in named_agents; where there are none, all but the known non-agents. (No parameters.)
-- text: the same for prompts of the same normalised text.
WITH
found AS (
  SELECT
    r.id, v.prompt_id AS prompt, v.source AS agent, o.provenance, v.text_hash AS same,
    coalesce(CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE v.competes AND v.source <> '' END, false) AS competes,
    row_number() OVER (PARTITION BY r.id ORDER BY v.row_id) AS place
  FROM rated_ids AS r
  JOIN versions AS v ON v.id = r.id
  CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
  LEFT JOIN named_agents AS n ON n.source = v.source
  LEFT JOIN row_provenance AS o ON o.relation = 'versions' AND o.row_id = v.row_id
),
texts AS (SELECT id AS prompt, min(text_key) AS text FROM prompts GROUP BY id)
SELECT f.id, f.prompt || '' AS prompt, f.agent, f.provenance, f.same, f.competes, coalesce(t.text, f.prompt) || '' AS text
FROM found AS f LEFT JOIN texts AS t ON t.prompt = f.prompt
WHERE f.place = 1
ORDER BY f.id NULLS LAST
