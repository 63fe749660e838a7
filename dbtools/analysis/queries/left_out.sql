-- How many rows does a choice of provenance leave out? One row per relation and provenance.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all), $relations (which ones).
-- A call has the provenance of its version, a vote that of its prompt, a checked input what its user id says.
WITH
origins AS (
  SELECT relation, provenance FROM row_provenance
  UNION ALL
  SELECT 'token_usage', coalesce(o.provenance, 'unknown')
  FROM token_usage AS t
  LEFT JOIN versions AS v ON v.id = t.prompt_version_id
  LEFT JOIN row_provenance AS o ON o.relation = 'versions' AND o.row_id = v.row_id
  UNION ALL
  SELECT 'feedback', coalesce(o.provenance, 'unknown')
  FROM feedback AS f
  LEFT JOIN prompts AS p ON p.id = f.prompt_id
  LEFT JOIN prompts AS r ON f.prompt_id IS NULL AND r.request_id = f.request_id
  LEFT JOIN row_provenance AS o ON o.relation = 'prompts' AND o.row_id = coalesce(p.row_id, r.row_id)
  UNION ALL
  SELECT 'security_inputs', CASE WHEN test_user THEN 'generated' ELSE 'real' END FROM security_inputs
)
SELECT relation, provenance, count(*) AS rows
FROM origins
WHERE array_contains($relations, relation) AND $provenance <> 'all' AND provenance <> $provenance
GROUP BY relation, provenance
ORDER BY relation, provenance
