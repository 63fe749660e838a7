-- severity: warning
-- area: provenance
-- question: Which version texts end in the suffix of a generator ([Enhanced by … agent], [v…])?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT v.id, v.source, v.text_mark, v.row_id
FROM versions AS v JOIN row_provenance AS r ON r.relation = 'versions' AND r.row_id = v.row_id
WHERE r.by_text
ORDER BY v.row_id
