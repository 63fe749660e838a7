-- severity: info
-- area: csv
-- question: Which rows of demonstration logs exist nowhere in the database?
-- hint: They are not needed; 02_cleanup keeps a copy all the same.
SELECT path || ' row ' || row AS id, path, row, line FROM csv_lost_rows WHERE demo ORDER BY path, row
