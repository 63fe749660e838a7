-- Which sources write versions without competing as an agent? One row per source.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all).
SELECT source, count(*) AS versions
FROM scored_versions
WHERE NOT coalesce(competes, false) AND $provenance IN (provenance, 'all')
GROUP BY source
ORDER BY source
