-- How many versions of each source were scored on each scale? (No parameters.)
SELECT coalesce(source, '(none)') AS source, scale, count(*) AS versions
FROM scored
WHERE scale IS NOT NULL
GROUP BY coalesce(source, '(none)'), scale
ORDER BY coalesce(source, '(none)'), scale
