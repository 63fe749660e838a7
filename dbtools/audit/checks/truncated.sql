-- severity: critical
-- area: file
-- question: Which database files are not as long as their pages take?
-- hint: Restore them from a backup; do not write to them until then.
SELECT path AS id, size_bytes, pages * page_size AS expected_bytes
FROM database_files
WHERE magic AND page_size > 0 AND wal_bytes = 0
  AND (size_bytes % page_size <> 0 OR coalesce(size_bytes <> pages * page_size, false))
ORDER BY path
