-- How are each agent's marks spread? One row per agent, dimension and bin of half a mark, by the bin's lower end.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
WITH
marks AS (
  UNPIVOT (
    SELECT agent, clarity, specificity, actionability, structure, context_use
    FROM entries
    WHERE list_contains($kinds, provenance) AND scale = $scale AND total IS NOT NULL
  ) ON clarity, specificity, actionability, structure, context_use INTO NAME dimension VALUE mark
)
SELECT agent, dimension, least(floor(mark * 2) / 2, 9.5) AS bin, count(*) AS rows
FROM marks
GROUP BY agent, dimension, bin
ORDER BY agent, dimension, bin
