-- severity: warning
-- area: schema
-- question: Where does the schema differ from that of its generation (tables, columns, NOT NULL, keys, indexes)?
-- hint: Compare with the application's models; a migration was left half-way, or the table was changed by hand.
SELECT table_name || ': ' || difference AS id, table_name, difference
FROM schema_differences
ORDER BY table_name, difference
