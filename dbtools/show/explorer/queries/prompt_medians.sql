-- What is the median of each score on this scale? One row. Parameter: $scale.
SELECT
  median(clarity) AS clarity, median(specificity) AS specificity, median(actionability) AS actionability,
  median(structure) AS structure, median(context_use) AS context_use, count(*) AS versions
FROM scored_versions
WHERE scale = $scale
ORDER BY versions
