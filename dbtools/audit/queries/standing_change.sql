-- By how much did each agent's win rate and mean total change, and with what spread between prompt texts?
WITH
  both_states AS (
    SELECT
      agent,
      coalesce(b.contests, 0) AS n0, coalesce(b.wins, 0) AS w0, coalesce(b.scored, 0) AS m0, coalesce(b.score, 0) AS s0,
      coalesce(a.contests, 0) AS n1, coalesce(a.wins, 0) AS w1, coalesce(a.scored, 0) AS m1, coalesce(a.score, 0) AS s1
    FROM read_parquet({before}) AS b
    FULL JOIN read_parquet({after}) AS a USING (agent, prompt_key)
  ),
  sums AS (
    SELECT
      agent,
      nullif(sum(n0), 0) AS n0, sum(w0) AS w0, nullif(sum(m0), 0) AS m0, sum(s0) AS s0,
      nullif(sum(n1), 0) AS n1, sum(w1) AS w1, nullif(sum(m1), 0) AS m1, sum(s1) AS s1
    FROM both_states
    GROUP BY agent
  )
SELECT
  agent,
  coalesce(any_value(t.n0), 0)::BIGINT AS contests_before,
  coalesce(any_value(t.n1), 0)::BIGINT AS contests_after,
  count(*) AS texts,
  any_value(t.w0 / t.n0) AS rate_before,
  any_value(t.w1 / t.n1) AS rate_after,
  sum(pow((s.w1 - t.w1 / t.n1 * s.n1) / t.n1 - (s.w0 - t.w0 / t.n0 * s.n0) / t.n0, 2)) AS rate_spread,
  any_value(t.s0 / t.m0) AS score_before,
  any_value(t.s1 / t.m1) AS score_after,
  sum(pow((s.s1 - t.s1 / t.m1 * s.m1) / t.m1 - (s.s0 - t.s0 / t.m0 * s.m0) / t.m0, 2)) AS score_spread
FROM both_states AS s
JOIN sums AS t USING (agent)
GROUP BY agent
ORDER BY agent
