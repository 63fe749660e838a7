-- severity: info
-- area: schema
-- question: Which UNIQUE and CHECK constraints of the PostgreSQL schema do these tables lack?
-- hint: The database does not reject such rows; the checks of duplicates and scales show whether there are any.
SELECT table_name || ': ' || missing AS id, table_name, missing FROM lost_constraints ORDER BY table_name, missing
