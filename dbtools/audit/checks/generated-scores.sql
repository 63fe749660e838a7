-- severity: warning
-- question: Which scores were generated, not written by users and agents?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, array_to_string(marks, ', ') AS marks, row_id
FROM provenance
WHERE relation = 'scores' AND provenance = 'generated'
ORDER BY row_id
