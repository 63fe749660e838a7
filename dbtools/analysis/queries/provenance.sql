-- Where do the prompts, versions and scores come from, and which versions do not compete as an agent's? One row per
-- relation and provenance; of versions that do not compete, one per source too. Competing are the sources in named_agents;
-- where there are none, all but the known non-agents. (No parameters.)
WITH
counted AS (
  SELECT m.relation, m.provenance, v.source, v.competes, count(*) AS rows
  FROM row_provenance AS m
  JOIN (SELECT row_id, source, competes FROM versions) AS v ON v.row_id = m.row_id
  WHERE m.relation = 'versions'
  GROUP BY m.relation, m.provenance, v.source, v.competes
  UNION ALL
  SELECT relation, provenance, NULL, true, count(*)
  FROM row_provenance
  WHERE relation IN ('prompts', 'scores')
  GROUP BY relation, provenance
),
named AS (
  SELECT
    c.relation, c.provenance, c.rows,
    CASE
      WHEN c.relation = 'versions'
        AND NOT coalesce(CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE c.competes AND c.source <> '' END, false)
        THEN CASE WHEN c.source <> '' THEN c.source ELSE 'no source' END
    END AS source
  FROM counted AS c
  CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
  LEFT JOIN named_agents AS n ON n.source = c.source
)
SELECT relation, provenance, source, cast(sum(rows) AS BIGINT) AS rows
FROM named
GROUP BY relation, provenance, source
ORDER BY relation, provenance, source NULLS FIRST
