-- Which tables are there, and of which columns? One row per column of every ordinary table in the search path, the parts of
-- a partitioned one left out. (No parameters.)
SELECT
  c.relname AS name, format('%I.%I', n.nspname, c.relname) AS address,
  has_table_privilege(c.oid, 'SELECT') AS readable, pg_table_size(c.oid) AS size, a.attname AS column_name,
  format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) AS type
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN (pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid)
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog'
ORDER BY c.relname, a.attnum
