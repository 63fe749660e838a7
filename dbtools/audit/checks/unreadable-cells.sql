-- severity: error
-- question: Which cells hold a value that is not of their column's type (bad UTF-8, text for a number, no timestamp, no id)?
-- hint: Repair them in the application; every analysis treats them as missing.
SELECT relation || '.' || column_name || ' row ' || row_id AS id, relation, column_name, row_id
FROM unreadable_cells
ORDER BY relation, column_name, row_id
