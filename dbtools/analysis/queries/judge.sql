-- How carefully did the judge mark? One row over the marks of the chosen rows.
-- Parameters: $kinds (the provenances that count), $scale (the one scale whose marks count).
-- flat: five equal marks; halves: marks on a whole or half number; halo: mean correlation of two different dimensions.
WITH
marks AS (
  SELECT clarity AS m1, specificity AS m2, actionability AS m3, structure AS m4, context_use AS m5
  FROM entries
  WHERE list_contains($kinds, provenance) AND scale = $scale AND total IS NOT NULL
)
SELECT
  count(*) AS rows, count(*) FILTER (least(m1, m2, m3, m4, m5) = greatest(m1, m2, m3, m4, m5)) AS flat,
  count(*) FILTER (abs(2 * m1 - round(2 * m1)) < 1e-9) + count(*) FILTER (abs(2 * m2 - round(2 * m2)) < 1e-9)
    + count(*) FILTER (abs(2 * m3 - round(2 * m3)) < 1e-9) + count(*) FILTER (abs(2 * m4 - round(2 * m4)) < 1e-9)
    + count(*) FILTER (abs(2 * m5 - round(2 * m5)) < 1e-9) AS halves,
  list_avg(list_filter([
    corr(m1, m2), corr(m1, m3), corr(m1, m4), corr(m1, m5), corr(m2, m3), corr(m2, m4), corr(m2, m5), corr(m3, m4),
    corr(m3, m5), corr(m4, m5)
  ], r -> isfinite(r))) AS halo
FROM marks
ORDER BY rows
