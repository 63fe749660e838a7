-- How was each version judged, as the application's log lists it? One row per score; total is the sum of the five
-- dimensions on whatever scale they are stored; prompt_id is empty where the version is missing. (No parameters.)
WITH
parents AS (SELECT id, min(prompt_id) AS prompt_id FROM versions GROUP BY id)
SELECT
  v.prompt_id, s.prompt_version_id AS version_id, s.clarity, s.specificity, s.actionability, s.structure, s.context_use,
  s.total, s.feedback, s.created_at AS "timestamp"
FROM scores AS s LEFT JOIN parents AS v ON v.id = s.prompt_version_id
ORDER BY v.prompt_id, s.prompt_version_id, s.created_at, s.id, s.row_id
