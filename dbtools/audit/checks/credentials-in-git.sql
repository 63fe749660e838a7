-- severity: critical
-- area: secrets
-- question: Which rows with a password hash, token, second factor or login history lie in a file that git tracks?
-- hint: Take the file out of git and its history and change the passwords; every clone has a copy.
SELECT c.path || ' ' || c.table_name || ' row ' || c.row_id AS id, c.path, c.table_name, c.columns, c.row_id
FROM credentials AS c JOIN tracked_files AS t ON t.path = c.path
ORDER BY c.path, c.table_name, c.row_id
