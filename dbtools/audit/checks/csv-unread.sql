-- severity: info
-- area: csv
-- question: Which CSV files were not examined?
-- hint: Look into them by other means; nothing is said here of their rows.
SELECT path AS id, reason FROM csv_unread ORDER BY path
