-- severity: error
-- area: schema
-- question: Which cells hold a value that is not of their column's type (bad UTF-8, text for a number, no id)?
-- hint: Repair them in the application; every analysis treats them as missing.
SELECT relation || '.' || column_name || ' row ' || row_id AS id, relation, column_name, row_id
FROM unreadable_cells
WHERE column_name NOT IN ('created_at', 'updated_at')
  AND NOT (
    relation = 'scores'
    AND column_name IN ('clarity', 'specificity', 'actionability', 'structure', 'context_use')
  )
ORDER BY relation, column_name, row_id
