-- How many versions of each source were scored on each scale? (No parameters.)
SELECT coalesce(source, '(none)') AS source, scale, count(*) AS versions
FROM scored_versions
WHERE scale IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
