-- Is a head real, generated, a placeholder, or unknown, and by which marks? One row per head: as the version that it names,
-- which may be of another prompt. (No parameters.)
SELECT
  'heads' AS relation, h.row_id, h.prompt_id AS id,
  -- A version whose prompt is not there is a known version all the same.
  CASE WHEN v.id IS NULL THEN 'unknown' WHEN v.provenance = 'unknown' THEN 'real' ELSE v.provenance END AS provenance,
  coalesce(v.by_source, false) AS by_source, coalesce(v.by_explanation, false) AS by_explanation,
  coalesce(v.by_text, false) AS by_text, coalesce(v.by_feedback, false) AS by_feedback,
  coalesce(v.by_user, false) AS by_user, false AS by_versions
FROM heads AS h LEFT JOIN row_provenance AS v ON v.relation = 'versions' AND v.id = h.prompt_version_id
