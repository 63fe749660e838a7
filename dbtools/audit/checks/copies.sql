-- severity: warning
-- area: file
-- question: Which files have the bytes, the rows, or only the name of another one?
-- hint: Decide which one is in use; 02_cleanup proves what can be deleted without loss.
SELECT path AS id, original, same FROM copied_files ORDER BY path
