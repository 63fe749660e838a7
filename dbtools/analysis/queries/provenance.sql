-- Where do the prompts, versions and scores come from, and which versions do not compete as an agent's? One row per
-- relation and provenance; of versions that do not compete, one per source too.
-- Parameters: $agents (the sources that compete; NULL: all but the known non-agents).
WITH
counted AS (
  SELECT relation, provenance, NULL AS source, true AS enters, count(*) AS rows
  FROM provenance
  WHERE relation IN ('prompts', 'scores')
  GROUP BY relation, provenance
  UNION ALL
  SELECT
    'versions', p.provenance, v.source, coalesce(list_contains($agents, v.source), competes(v.source), false), count(*)
  FROM provenance AS p JOIN versions AS v ON v.row_id = p.row_id
  WHERE p.relation = 'versions'
  GROUP BY p.provenance, v.source
)
SELECT
  relation, provenance, CASE WHEN NOT enters THEN coalesce(source, 'no source') END AS source, sum(rows)::BIGINT AS rows
FROM counted
GROUP BY ALL
ORDER BY relation, provenance, source NULLS FIRST
