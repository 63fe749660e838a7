-- severity: info
-- area: file
-- question: Which database files have bytes after their last page?
-- hint: SQLite ignores them; find out which program appended them. VACUUM INTO makes a copy without them.
SELECT path AS id, size_bytes, pages * page_size AS expected_bytes
FROM database_files
WHERE magic AND page_size > 0 AND wal_bytes = 0 AND size_bytes > pages * page_size
ORDER BY path
