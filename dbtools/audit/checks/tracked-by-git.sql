-- severity: warning
-- area: file
-- question: Which databases and CSV files does git track?
-- hint: Take them out of the index (git rm --cached) and ignore them; what was committed stays in the history.
SELECT path AS id, kind FROM tracked_files ORDER BY path
