-- Where do the prompts, versions and scores come from? One row per relation and provenance.
-- (No parameters.)
SELECT relation, provenance, count(*) AS rows
FROM provenance
WHERE relation IN ('prompts', 'versions', 'scores')
GROUP BY relation, provenance
ORDER BY relation, provenance
