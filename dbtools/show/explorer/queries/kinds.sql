-- How many versions are of each provenance, and on each scale? One row per kind. (No parameters.)
SELECT what, kind, count(*) AS versions
FROM (
  SELECT 'provenance' AS what, provenance AS kind FROM scored_versions
  UNION ALL
  SELECT 'scale', scale FROM scored_versions
)
WHERE kind IS NOT NULL
GROUP BY what, kind
ORDER BY what, kind
