-- severity: warning
-- area: provenance
-- question: Which versions are an error message instead of a prompt?
-- hint: Leave them out of conclusions; a call failed, and its error was stored as the text.
SELECT id, source, row_id FROM versions WHERE text_error AND source NOT IN ('original', 'user_input') ORDER BY row_id
