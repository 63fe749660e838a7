-- By which marks is a row what it is, in words? One row per prompt, version, score and head. (No parameters.)
CREATE VIEW provenance AS
SELECT
  relation, row_id, id, provenance,
  list_filter([
    CASE WHEN by_source THEN 'generated-source' END,
    CASE WHEN by_explanation THEN 'generated-explanation' END,
    CASE WHEN by_text THEN 'generated-text' END,
    CASE WHEN by_feedback THEN 'generated-feedback' END,
    CASE WHEN by_user THEN 'generated-user' END,
    CASE WHEN by_versions THEN 'generated-versions' END
  ], mark -> mark IS NOT NULL) AS marks
FROM (SELECT * EXCLUDE (failed, prompt_id) FROM row_provenance UNION ALL FROM head_provenance);
