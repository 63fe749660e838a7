-- How many rows of a relation were added, removed and changed, and how often each column changed?
SELECT kind, '' AS name, count(*) AS rows FROM changed_{relation} GROUP BY kind
UNION ALL
SELECT 'column', name, count(*) FROM (SELECT unnest(columns) AS name FROM changed_{relation}) GROUP BY name
ORDER BY kind, rows DESC, name
