-- severity: critical
-- area: file
-- question: Which databases does SQLite find damaged (PRAGMA integrity_check)?
-- hint: Restore them from a backup; do not write to them until then.
SELECT path AS id, message FROM integrity_messages ORDER BY path, message
