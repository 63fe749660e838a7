-- How are each agent's marks spread? One row per agent, dimension and bin of half a mark, by the bin's lower end.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
WITH
marks AS (
  SELECT
    e.agent, d.dimension,
    CASE d.dimension
      WHEN 'clarity' THEN e.clarity WHEN 'specificity' THEN e.specificity WHEN 'actionability' THEN e.actionability
      WHEN 'structure' THEN e.structure ELSE e.context_use
    END AS mark
  FROM entries AS e
  CROSS JOIN (
    VALUES ('clarity'), ('specificity'), ('actionability'), ('structure'), ('context_use')
  ) AS d (dimension)
  WHERE array_contains($kinds, e.provenance) AND e.scale = $scale AND e.total IS NOT NULL
),
placed AS (SELECT agent, dimension, least(floor(mark * 2) / 2e0, 9.5e0) AS bin FROM marks)
SELECT agent, dimension, bin, count(*) AS rows
FROM placed
GROUP BY agent, dimension, bin
ORDER BY agent, dimension, bin NULLS LAST
