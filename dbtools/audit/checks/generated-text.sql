-- severity: warning
-- area: provenance
-- question: Which version texts end in the suffix of a generator ([Enhanced by … agent], [v…])?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, source, text_mark, row_id FROM versions WHERE text_mark IS NOT NULL ORDER BY row_id
