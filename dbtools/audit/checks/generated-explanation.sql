-- severity: warning
-- area: provenance
-- question: Which versions say in their explanation that they are synthetic?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, source, row_id FROM versions WHERE explanation_synthetic ORDER BY row_id
