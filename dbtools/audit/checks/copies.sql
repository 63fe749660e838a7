-- severity: warning
-- area: file
-- question: Which files repeat another one: its bytes, its rows, or only its name?
-- hint: Decide which one is in use; 02_cleanup proves what can be deleted without loss.
SELECT path AS id, original, same FROM copied_files ORDER BY path
