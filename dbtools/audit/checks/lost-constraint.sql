-- severity: info
-- area: schema
-- question: Which UNIQUE and CHECK constraints of the PostgreSQL schema do these tables lack?
-- hint: Nothing but the application keeps such rows out; the checks of duplicates and scales tell what came of it.
SELECT table_name || ': ' || missing AS id, table_name, missing FROM lost_constraints ORDER BY table_name, missing
