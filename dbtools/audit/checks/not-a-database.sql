-- severity: error
-- area: file
-- question: Which files have a database's name but are not SQLite databases?
-- hint: Look into them (a Git LFS pointer is a text of three lines) and restore the database from a backup.
SELECT path AS id, size_bytes FROM database_files WHERE size_bytes > 0 AND NOT magic ORDER BY path
