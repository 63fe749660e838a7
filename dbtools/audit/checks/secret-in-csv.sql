-- severity: error
-- area: secrets
-- question: Which cells of CSV files hold something with the shape of a password hash, token or key?
-- hint: Revoke it, then delete the file or the cell; a CSV file has no access control.
SELECT path || ' line ' || line || ' ' || column_name AS id, path, line, column_name
FROM csv_secrets
ORDER BY path, line, column_name
