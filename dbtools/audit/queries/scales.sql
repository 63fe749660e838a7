-- How many versions of each source were scored on each scale? (No parameters.)
SELECT source, scale, count(*) AS versions
FROM (SELECT coalesce(source, '(none)') AS source, scale FROM scored WHERE scale IS NOT NULL) AS named
GROUP BY source, scale
ORDER BY source NULLS LAST, scale
