-- In which place of its prompt does each agent write? One row per agent and place.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- lead: mean of the total less the contest's mean.
WITH
centred AS (
  SELECT agent, place, total - avg(total) OVER (PARTITION BY contest) AS lead_of
  FROM entries
  WHERE array_contains($kinds, provenance) AND scale = $scale AND total IS NOT NULL
)
SELECT agent, place, count(*) AS rows, avg(lead_of) AS lead_of
FROM centred
GROUP BY agent, place
ORDER BY agent, place
