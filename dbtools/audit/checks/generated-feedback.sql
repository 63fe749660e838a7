-- severity: warning
-- area: provenance
-- question: Which scores say in their feedback that they are synthetic?
-- hint: Leave them and their versions out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, prompt_version_id, row_id FROM scores WHERE feedback_synthetic ORDER BY row_id
