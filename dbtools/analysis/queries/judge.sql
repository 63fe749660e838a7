-- How carefully did the judge score? One row over the scores of the chosen rows.
-- Parameters: $scale (the one scale whose scores count). Reads the working table entries.
-- flat: five equal scores; halves: scores on a whole or half number; r12 …: correlations of two different dimensions.
WITH
measured AS (
  SELECT clarity AS m1, specificity AS m2, actionability AS m3, structure AS m4, context_use AS m5
  FROM entries
  WHERE scale = $scale AND total IS NOT NULL
)
SELECT
  count(*) AS rows, count(*) FILTER (WHERE least(m1, m2, m3, m4, m5) = greatest(m1, m2, m3, m4, m5)) AS flat,
  count(*) FILTER (WHERE abs(2 * m1 - floor(2 * m1 + 0.5e0)) < 1e-9)
    + count(*) FILTER (WHERE abs(2 * m2 - floor(2 * m2 + 0.5e0)) < 1e-9)
    + count(*) FILTER (WHERE abs(2 * m3 - floor(2 * m3 + 0.5e0)) < 1e-9)
    + count(*) FILTER (WHERE abs(2 * m4 - floor(2 * m4 + 0.5e0)) < 1e-9)
    + count(*) FILTER (WHERE abs(2 * m5 - floor(2 * m5 + 0.5e0)) < 1e-9) AS halves,
  corr(m1, m2) AS r12, corr(m1, m3) AS r13, corr(m1, m4) AS r14, corr(m1, m5) AS r15, corr(m2, m3) AS r23,
  corr(m2, m4) AS r24, corr(m2, m5) AS r25, corr(m3, m4) AS r34, corr(m3, m5) AS r35, corr(m4, m5) AS r45
FROM measured
ORDER BY rows
