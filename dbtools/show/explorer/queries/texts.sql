-- What are the long texts of these versions? One row per version. Parameter: $ids.
SELECT
  v.id::VARCHAR AS version_id, v.text, v.explanation,
  (SELECT any_value(p.original_text) FROM prompts AS p WHERE p.id = v.prompt_id) AS original_text,
  (SELECT any_value(s.feedback ORDER BY s.created_at DESC) FROM scores AS s WHERE s.prompt_version_id = v.id) AS feedback
FROM versions AS v
WHERE v.id IN (SELECT unnest($ids::VARCHAR[])::UUID)
ORDER BY v.row_id
