-- severity: warning
-- area: scores
-- question: Which agents differ from another one only by capitals or white space in their name?
-- hint: Give their versions one name in the application; until then they count as agents of their own.
SELECT source AS id, named.name, versions
FROM (SELECT source, lower(trim(source)) AS name, count(*) AS versions FROM versions WHERE source IS NOT NULL GROUP BY source) AS named
JOIN (
  SELECT name
  FROM (SELECT DISTINCT source, lower(trim(source)) AS name FROM versions WHERE source IS NOT NULL) AS distinct_names
  GROUP BY name
  HAVING count(*) > 1
) AS shared ON shared.name = named.name
WHERE source <> named.name
ORDER BY source NULLS LAST
