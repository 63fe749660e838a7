-- severity: info
-- area: provenance
-- question: Which scores have the same value in all five dimensions?
-- hint: Treat them as one value written five times; a judge seldom gives five equal ones.
SELECT id, prompt_version_id, clarity AS value, row_id
FROM scores
WHERE clarity = specificity AND clarity = actionability AND clarity = structure AND clarity = context_use
ORDER BY row_id
