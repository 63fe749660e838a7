-- severity: warning
-- question: Which prompts were generated, not written by users and agents?
-- hint: Leave them out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, array_to_string(marks, ', ') AS marks, row_id
FROM provenance
WHERE relation = 'prompts' AND provenance = 'generated'
ORDER BY row_id
