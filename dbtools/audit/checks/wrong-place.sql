-- severity: warning
-- area: file
-- question: Which setting or location makes the application open another database than this one?
-- hint: Configure the database by an absolute path, and put it where the application of this generation looks for it.
SELECT path || coalesce(' line ' || line, '') AS id, reason FROM wrong_places ORDER BY path, line NULLS LAST
