-- Which sources write versions without competing as an agent? One row per source.
-- Parameters: $kinds (the provenances that count), $agents (the sources that compete; NULL: all but the known non-agents).
SELECT source, count(*) AS versions
FROM scored_versions
WHERE NOT coalesce(list_contains($agents, source), competes, false) AND list_contains($kinds, provenance)
GROUP BY source
ORDER BY source
