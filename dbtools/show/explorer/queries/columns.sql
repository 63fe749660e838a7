-- Which columns has each relation that can be asked? One row per column, in its order. (No parameters.)
SELECT table_name AS relation, column_name AS column_name
FROM information_schema.columns
WHERE table_catalog = 'memory' AND table_schema = 'main'
ORDER BY table_name, ordinal_position
