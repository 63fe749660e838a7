-- severity: error
-- area: scores
-- question: Which scores have a dimension outside 0–10, or for an agent's own score outside 0–20?
-- hint: Leave them out of comparisons with scores of the judge; they are on another scale.
SELECT id, prompt_version_id, clarity, specificity, actionability, structure, context_use, row_id
FROM scores
WHERE least(clarity, specificity, actionability, structure, context_use) < 0
  -- The score that an agent gives itself: 0–20, the same in all dimensions.
  OR (
    greatest(clarity, specificity, actionability, structure, context_use) > 10
    AND NOT coalesce(
      feedback_agent IS NOT NULL AND feedback_confidence IS NOT NULL
      AND least(clarity, specificity, actionability, structure, context_use)
        = greatest(clarity, specificity, actionability, structure, context_use)
      AND clarity <= 20,
      false
    )
  )
ORDER BY row_id
