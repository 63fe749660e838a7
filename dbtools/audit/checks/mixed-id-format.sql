-- severity: warning
-- area: references
-- question: Which ids are spelled differently (dashes, capitals) from most ids of the database?
-- hint: Compare ids in canonical form only; SQLite does not match the two spellings.
SELECT relation || '.' || column_name || ' row ' || row_id AS id, relation, column_name, row_id
FROM id_cells
WHERE dashed <> (SELECT count(*) FILTER (WHERE dashed) * 2 > count(*) FROM id_cells)
ORDER BY relation, column_name, row_id
