-- severity: error
-- area: scores
-- question: Which scores have a dimension that is not a finite number?
-- hint: Repair or delete them in the application; their total cannot be computed.
SELECT id, prompt_version_id, clarity, specificity, actionability, structure, context_use, row_id
FROM scores
-- NaN compares greater than every number. Not every engine has isfinite.
WHERE NOT coalesce(
  greatest(abs(clarity), abs(specificity), abs(actionability), abs(structure), abs(context_use)) < 1.7976931348623157e308
    AND clarity + specificity + actionability + structure + context_use IS NOT NULL,
  false
)
ORDER BY row_id
