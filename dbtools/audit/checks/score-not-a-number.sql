-- severity: error
-- area: scores
-- question: Which scores have a dimension that is no finite number?
-- hint: Repair or delete them in the application; their total cannot be computed.
SELECT id, prompt_version_id, clarity, specificity, actionability, structure, context_use, row_id
FROM scores
WHERE NOT coalesce(
  isfinite(clarity) AND isfinite(specificity) AND isfinite(actionability) AND isfinite(structure)
    AND isfinite(context_use),
  false
)
ORDER BY row_id
