-- How did each agent fare that competes? One row per contest and competing agent: agents meet only others of the same prompt
-- and provenance, and one with several such versions competes with its last. Competing are the sources in named_agents;
-- where there are none, all but the known non-agents. Each kind of win is NULL where it cannot be told: where one agent is
-- alone, or
-- recorded_win: without a head, or where the head is no agent's or of another provenance;
-- score_win: the share of the highest total (a tie of k: 1/k), told where all agents have one, on one scale;
-- selected_win: the application's own selection;
-- user_win: the share of the users' choices that name an agent which competes here.
-- contest, cluster, turn, repeated: as in contest_entries. (No parameters.)
WITH
entries AS (
  -- Totals are sums of marks: the ninth decimal is noise.
  SELECT e.*, floor(e.total * 1e9 + 0.5e0) / 1e9 AS points
  FROM contest_entries AS e
  CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
  LEFT JOIN named_agents AS n ON n.source = e.source
  WHERE CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE e.competes END
),
met AS (
  SELECT
    contest, count(*) AS agents, max(has_head) AS headed, max(CASE WHEN selected THEN 1 ELSE 0 END) AS selection,
    sum(times) AS choices,
    CASE WHEN min(scale) = max(scale) AND count(total) = count(*) THEN max(points) END AS highest
  FROM entries
  GROUP BY contest
),
leaders AS (
  SELECT e.contest, count(*) AS times
  FROM entries AS e JOIN met AS m ON m.contest = e.contest AND m.highest = e.points
  GROUP BY e.contest
)
SELECT
  e.prompt_id, e.source AS agent, e.version_id, e.version_no, e.created_at, m.agents, e.provenance, e.scale, e.total,
  e.clarity, e.specificity, e.actionability, e.structure, e.context_use, e.text_length, e.prompt_key,
  CASE WHEN m.agents > 1 AND m.headed = 1 THEN 1e0 * e.has_head END AS recorded_win,
  CASE WHEN m.agents > 1 AND m.highest IS NOT NULL
    THEN CASE WHEN e.points = m.highest THEN 1e0 ELSE 0e0 END / l.times
  END AS score_win,
  CASE WHEN m.agents > 1 AND m.selection = 1 THEN CASE WHEN e.selected THEN 1e0 ELSE 0e0 END END AS selected_win,
  CASE WHEN m.agents > 1 AND m.choices > 0 THEN 1e0 * coalesce(e.times, 0) / m.choices END AS user_win,
  e.contest, e.cluster, e.turn, e.repeated
FROM entries AS e JOIN met AS m ON m.contest = e.contest LEFT JOIN leaders AS l ON l.contest = e.contest
