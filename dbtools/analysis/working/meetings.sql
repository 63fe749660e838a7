-- By how much did agents differ where both met? (A working table, made of entries.) One row per contest and pair of agents.
-- (No parameters.)
-- total and the kinds of win: that of a less that of b; scale: that of both, else NULL.
SELECT
  x.agent AS a, y.agent AS b, x.contest, x.cluster, x.repeated, x.provenance,
  CASE WHEN x.scale = y.scale THEN x.scale END AS scale,
  -- Totals are sums of marks: the ninth decimal is noise.
  round(x.total - y.total, 9) AS total, round(x.recorded - y.recorded, 9) AS recorded,
  round(x.score - y.score, 9) AS score, round(x.selected - y.selected, 9) AS selected,
  round(x."user" - y."user", 9) AS "user"
FROM entries AS x JOIN entries AS y ON y.contest = x.contest AND x.agent < y.agent
