-- severity: warning
-- area: file
-- question: What makes the application open another database than the one here?
-- hint: Give the database by an absolute path, at the place where the application of this generation looks for it.
SELECT path || coalesce(' line ' || line, '') AS id, reason FROM wrong_places ORDER BY path, line NULLS LAST
