-- Where do the prompts, versions and scores come from, and which versions do not compete as an agent's? One row per
-- relation and provenance; of versions that do not compete, one per source too. Competing are the sources in named_agents;
-- where there are none, all but the known non-agents. (No parameters.)
WITH
others AS (
  SELECT 'versions' AS relation, v.row_id, coalesce(v.source, 'no source') AS source
  FROM versions AS v
  CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
  LEFT JOIN named_agents AS n ON n.source = v.source
  WHERE NOT coalesce(CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE v.competes END, false)
)
SELECT m.relation, m.provenance, o.source, count(*) AS rows
FROM marked AS m LEFT JOIN others AS o ON o.relation = m.relation AND o.row_id = m.row_id
WHERE m.relation IN ('prompts', 'versions', 'scores')
GROUP BY m.relation, m.provenance, o.source
ORDER BY m.relation, m.provenance, o.source NULLS FIRST
