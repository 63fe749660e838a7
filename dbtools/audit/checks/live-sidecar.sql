-- severity: info
-- area: file
-- question: Which databases have a -wal or -journal beside them that is not empty?
-- hint: They are in use, or a crash left them so; never copy or delete such a file without the one beside it.
SELECT path AS id, wal_bytes, journal_bytes FROM database_files WHERE wal_bytes > 0 OR journal_bytes > 0 ORDER BY path
