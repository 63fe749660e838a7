-- severity: warning
-- area: provenance
-- question: Which versions name the history generator as their source?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, source, row_id FROM versions WHERE source = 'synthetic_generator' ORDER BY row_id
