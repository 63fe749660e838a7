-- How many prompts, versions and scores does a choice of provenance leave out? One row per relation and provenance.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all).
SELECT relation, provenance, count(*) AS rows, $provenance IN (provenance, 'all') AS used
FROM provenance
WHERE relation IN ('prompts', 'versions', 'scores')
GROUP BY relation, provenance
ORDER BY relation, provenance
