-- severity: critical
-- area: file
-- question: Which database files are shorter than their pages?
-- hint: Restore them from a backup; do not write to them until then.
SELECT path AS id, size_bytes, pages * page_size AS expected_bytes
FROM database_files
WHERE magic AND page_size > 0 AND wal_bytes = 0
  AND coalesce(size_bytes < pages * page_size, size_bytes % page_size <> 0)
ORDER BY path
