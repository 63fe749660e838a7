-- How are each agent's scores spread? One row per agent, dimension and bin of half a point, by the bin's lower end.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
WITH
measured AS (
  SELECT
    e.agent, d.dimension,
    CASE d.dimension
      WHEN 'clarity' THEN e.clarity WHEN 'specificity' THEN e.specificity WHEN 'actionability' THEN e.actionability
      WHEN 'structure' THEN e.structure ELSE e.context_use
    END AS score
  FROM entries AS e
  CROSS JOIN (
    VALUES ('clarity'), ('specificity'), ('actionability'), ('structure'), ('context_use')
  ) AS d (dimension)
  WHERE e.scale = $scale AND e.total IS NOT NULL
),
placed AS (SELECT agent, dimension, least(floor(score * 2) / 2e0, 9.5e0) AS bin FROM measured)
SELECT agent, dimension, bin, count(*) AS rows
FROM placed
GROUP BY agent, dimension, bin
ORDER BY agent, dimension, bin NULLS LAST
