-- severity: error
-- area: file
-- question: Which rows break a foreign key that the schema declares (PRAGMA foreign_key_check)?
-- hint: Delete or re-attach these rows in the application; SQLite does not enforce the keys it declares.
SELECT table_name || ' row ' || coalesce(row_id || '', '?') AS id, table_name, row_id, parent
FROM foreign_key_violations
ORDER BY table_name, row_id NULLS LAST, parent NULLS LAST
