-- Which versions of each prompt are there, as the application's log lists them? One row per version. (No parameters.)
SELECT
  prompt_id, version_no, id AS version_uuid, text, source, explanation, created_at AS "timestamp"
FROM versions
ORDER BY prompt_id, version_no, id, row_id
