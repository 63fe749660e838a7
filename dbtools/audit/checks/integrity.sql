-- severity: critical
-- question: Does SQLite find the file damaged (PRAGMA integrity_check)?
-- hint: Restore the database from a backup; do not write to it before.
SELECT 'prompter.db' AS id, message FROM integrity_messages ORDER BY message
