-- severity: error
-- area: secrets
-- question: Which rows outside the auth database hold a password hash, token, second factor or login history?
-- hint: Delete them there and change the passwords; everybody who can read the prompts can read them.
SELECT path || ' ' || table_name || ' row ' || row_id AS id, path, table_name, columns, row_id
FROM credentials
WHERE NOT is_auth
ORDER BY path, table_name, row_id
