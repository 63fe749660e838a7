-- severity: error
-- area: scores
-- question: Which scores have a dimension outside the judge's 0–10?
-- hint: Leave them out of comparisons with scores of the judge; they are on another scale.
SELECT id, prompt_version_id, clarity, specificity, actionability, structure, context_use, row_id
FROM scores
WHERE least(clarity, specificity, actionability, structure, context_use) < 0
  OR greatest(clarity, specificity, actionability, structure, context_use) > 10
ORDER BY row_id
