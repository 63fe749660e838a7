-- severity: warning
-- area: provenance
-- question: Which prompts were asked by a test user?
-- hint: Leave them and their versions out of conclusions (provenance = "real" is the default of every analysis).
SELECT id, user_id, row_id FROM prompts WHERE test_user ORDER BY row_id
