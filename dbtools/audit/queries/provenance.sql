-- How many rows of each relation are real, generated, placeholders or unknown? (No parameters.)
SELECT r.relation, k.provenance, count(p.relation) AS rows
FROM (VALUES ('prompts'), ('versions'), ('scores'), ('heads')) AS r (relation)
CROSS JOIN (VALUES ('real'), ('generated'), ('placeholder'), ('unknown')) AS k (provenance)
LEFT JOIN (
  SELECT relation, provenance FROM row_provenance UNION ALL SELECT relation, provenance FROM head_provenance
) AS p ON p.relation = r.relation AND p.provenance = k.provenance
GROUP BY r.relation, k.provenance
ORDER BY r.relation, k.provenance
