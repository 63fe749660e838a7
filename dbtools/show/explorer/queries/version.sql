-- What is known of one version? One row. Parameter: $id.
SELECT
  s.version_id::VARCHAR AS version_id, s.prompt_id::VARCHAR AS prompt_id, s.source, s.version_no, s.created_at, s.scale,
  s.clarity, s.specificity, s.actionability, s.structure, s.context_use, s.total, s.provenance, s.is_head, s.is_best,
  s.parent_version_id::VARCHAR AS parent_version_id, s.change_type,
  (SELECT any_value(p.user_id) FROM prompts AS p WHERE p.id = s.prompt_id) AS user_id,
  (SELECT any_value(e.marks) FROM provenance AS e WHERE e.relation = 'versions' AND e.row_id = s.row_id) AS marks
FROM scored_versions AS s
WHERE s.version_id = $id::UUID
ORDER BY s.row_id
