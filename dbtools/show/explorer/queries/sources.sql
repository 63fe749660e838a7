-- Who wrote versions, and how many? One row per source, those that compete first. (No parameters.)
SELECT source, count(*) AS versions
FROM versions
WHERE source IS NOT NULL
GROUP BY source
ORDER BY competes(source) DESC, versions DESC, source
LIMIT 200
