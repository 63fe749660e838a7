-- Which provenances and scales do the competing rows have? One row per combination.
-- (No parameters.)
SELECT provenance, scale, count(*) AS rows
FROM candidates
GROUP BY provenance, scale
ORDER BY provenance NULLS LAST, scale NULLS LAST
