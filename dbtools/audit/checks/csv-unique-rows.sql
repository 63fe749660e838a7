-- severity: warning
-- area: csv
-- question: Which rows of the application's logs exist nowhere in the database?
-- hint: Rescue them before such a file is deleted; 02_cleanup does.
SELECT path || ' row ' || row AS id, path, row, line FROM csv_lost_rows WHERE NOT demo ORDER BY path, row
