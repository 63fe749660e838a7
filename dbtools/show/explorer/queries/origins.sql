-- Who wrote versions, of which provenance, and how many became heads? One row per source. (No parameters.)
SELECT
  coalesce(source, '(none)') AS source, bool_or(competes) AS competes, count(*) AS versions,
  count(*) FILTER (provenance = 'real') AS real, count(*) FILTER (provenance = 'generated') AS generated,
  count(*) FILTER (provenance = 'placeholder') AS placeholder, count(*) FILTER (provenance = 'unknown') AS unknown,
  count(*) FILTER (is_head) AS heads
FROM scored_versions
GROUP BY 1
ORDER BY versions DESC, source
LIMIT 100
