-- severity: info
-- area: provenance
-- question: Which scores give all five dimensions the same mark?
-- hint: Read them as one mark written five times; a judge seldom gives five equal ones.
SELECT id, prompt_version_id, clarity AS mark, row_id
FROM scores
WHERE clarity = specificity AND clarity = actionability AND clarity = structure AND clarity = context_use
ORDER BY row_id
