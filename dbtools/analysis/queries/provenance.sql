-- Where do the prompts, versions and scores come from, and which versions do not compete as an agent's? One row per
-- relation and provenance; of versions that do not compete, one per source too.
-- Parameters: $agents (the sources that compete; NULL: all but the known non-agents).
WITH
others AS (
  SELECT 'versions' AS relation, row_id, coalesce(source, 'no source') AS source
  FROM versions
  WHERE NOT coalesce(list_contains($agents, source), competes(source), false)
)
SELECT p.relation, p.provenance, o.source, count(*) AS rows
FROM provenance AS p LEFT JOIN others AS o ON o.relation = p.relation AND o.row_id = p.row_id
WHERE p.relation IN ('prompts', 'versions', 'scores')
GROUP BY p.relation, p.provenance, o.source
ORDER BY p.relation, p.provenance, o.source NULLS FIRST
