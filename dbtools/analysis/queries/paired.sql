-- By how much did agents differ where both took part? (A working table, made of entries.) One row per contest and pair of agents.
-- Parameters: $kinds (the provenances that count).
-- total and the kinds of win: that of a less that of b; scale: that of both, else NULL.
SELECT
  x.agent AS a, y.agent AS b, x.contest, x.prompt_id, x.cluster, x.repeated,
  CASE WHEN x.scale = y.scale THEN x.scale END AS scale,
  -- Totals are sums of scores: the ninth decimal is noise.
  floor((x.total - y.total) * 1e9 + 0.5e0) / 1e9 AS total,
  floor((x.recorded - y.recorded) * 1e9 + 0.5e0) / 1e9 AS recorded,
  floor((x.score - y.score) * 1e9 + 0.5e0) / 1e9 AS score,
  floor((x.selected - y.selected) * 1e9 + 0.5e0) / 1e9 AS selected,
  floor((x.voted - y.voted) * 1e9 + 0.5e0) / 1e9 AS voted
FROM entries AS x JOIN entries AS y ON y.contest = x.contest AND x.agent < y.agent
WHERE array_contains($kinds, x.provenance)
