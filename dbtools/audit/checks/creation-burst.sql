-- severity: info
-- area: provenance
-- question: Which prompts were created within one second, five or more together?
-- hint: A person does not type that fast; check whether a program wrote them.
SELECT id, created_at, together, row_id
FROM (
  SELECT id, created_at, count(*) OVER (PARTITION BY date_trunc('second', created_at)) AS together, row_id
  FROM prompts
  WHERE created_at IS NOT NULL
) AS prompts_by_second
WHERE together >= 5
ORDER BY row_id
