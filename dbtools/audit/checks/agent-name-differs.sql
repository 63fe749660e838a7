-- severity: warning
-- area: scores
-- question: Which agents differ from another one only by capitals, white space, hyphens or underscores in their name?
-- hint: Give their versions one name in the application; until then they count as agents of their own.
SELECT source AS id, name, versions
FROM (
  SELECT source, name, versions, row_number() OVER (PARTITION BY name ORDER BY versions DESC, source NULLS LAST) AS place
  FROM (
    SELECT
      source, count(*) AS versions,
      translate(lower(source), ' -_' || chr(9) || chr(10) || chr(13) || chr(160), '') AS name
    FROM versions
    WHERE source <> ''
    GROUP BY source
  ) AS counted
) AS named
WHERE place > 1
ORDER BY source NULLS LAST
