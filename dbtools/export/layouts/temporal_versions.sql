-- How did each prompt change, version after version? One row per version. (No parameters.)
SELECT
  id AS version_id, parent_version_id, prompt_id, created_at AS "timestamp", text, change_type, change_magnitude, source
FROM versions
ORDER BY prompt_id, created_at, id, row_id
