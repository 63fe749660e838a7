-- severity: error
-- area: file
-- question: Which database files are empty?
-- hint: Restore them from a backup or delete them; SQLite creates an empty file where a path is misspelled.
SELECT path AS id FROM database_files WHERE size_bytes = 0 ORDER BY path
