-- How many calls, votes and checked inputs does a choice of provenance leave out? One row per relation and provenance.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all).
WITH
origins AS (
  SELECT 'token_usage' AS relation, coalesce(v.provenance, 'unknown') AS provenance
  FROM token_usage AS t LEFT JOIN scored_versions AS v ON v.version_id = t.prompt_version_id
  UNION ALL
  SELECT 'feedback', coalesce(o.provenance, 'unknown')
  FROM feedback AS f
  LEFT JOIN prompts AS p ON p.id = f.prompt_id
  LEFT JOIN provenance AS o ON o.relation = 'prompts' AND o.row_id = p.row_id
  UNION ALL
  SELECT 'security_inputs', CASE WHEN user_id LIKE 'test_user%' THEN 'generated' ELSE 'real' END FROM security_inputs
)
SELECT relation, provenance, count(*) AS rows, $provenance IN (provenance, 'all') AS used
FROM origins
GROUP BY relation, provenance
ORDER BY relation, provenance
