-- What does the database say of each version? (A working table. No parameters.)
SELECT
  id::VARCHAR AS key, text, prompt_id, version_no, source, explanation AS json, created_at, parent_version_id, change_type,
  change_magnitude, NULL::DOUBLE AS total
FROM versions
