-- severity: critical
-- area: file
-- question: Which databases have another size than their pages take?
-- hint: Restore them from a backup; do not write to them before.
SELECT path AS id, size_bytes, pages * page_size AS expected_bytes
FROM database_files
WHERE magic AND page_size > 0 AND wal_bytes = 0
  AND (size_bytes % page_size <> 0 OR coalesce(size_bytes <> pages * page_size, false))
ORDER BY path
