-- Which rows of a CSV file does the database hold cell by cell in one row of the same id? What this finds, `covered` would
-- find by id and `incomplete` would not find, at a multiple of the time.
-- Reads: csv_wide (row, id, scores, one column c0, c1 … for each of the file, blank cells NULL; g0, g1 … other
-- readings of texts). Parameters: owner (what the id names); {same}: the comparison of the file's columns.
SELECT DISTINCT r.row
FROM csv_wide AS r
JOIN log_facts($owner) AS f ON f.id = r.id
WHERE {same}
ORDER BY r.row
