-- severity: warning
-- area: schema
-- question: Which tables belong to another database?
-- hint: Move them where they belong; a users table holds credentials and belongs to auth_system.db.
SELECT name AS id, rows FROM database_tables WHERE name = 'users' ORDER BY name
