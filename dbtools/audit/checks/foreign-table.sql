-- severity: warning
-- question: Which tables do not belong to a prompter database?
-- hint: Move them where they belong; a users table holds credentials and belongs to auth_system.db.
SELECT name AS id, rows FROM database_tables WHERE NOT known ORDER BY name
