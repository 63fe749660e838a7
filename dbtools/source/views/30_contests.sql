-- Which agents met in which prompt, and how did each fare? One row per prompt, provenance and competing agent: agents meet
-- only others of the same provenance, and one with several such versions competes with its last. Each kind of win is NULL
-- where it cannot be told: where one agent is alone, or
-- recorded_win: without a head, or where the head is no agent's or of another provenance;
-- score_win: the share of the highest total (a tie of k: 1/k), told where all agents have one, on one scale;
-- selected_win: the application's own selection;
-- user_win: the share of the users' choices that name an agent which competes here.
-- Parameters: names (the sources that compete; NULL: all but the known non-agents).
CREATE MACRO contests_among(names) AS TABLE
WITH
-- Totals are sums of marks: the ninth decimal is noise.
entries AS (
  SELECT *, round(total, 9) AS points FROM kept.entered WHERE coalesce(list_contains(names, source), competes)
),
each AS (
  SELECT
    contest, count(*) AS agents, bool_or(has_head) AS headed, bool_or(selected) AS selection, sum(times) AS choices,
    list(turn ORDER BY turn) AS turns,
    CASE WHEN min(scale) = max(scale) AND count(total) = count(*) THEN max(points) END AS highest
  FROM entries
  GROUP BY contest
),
ties AS (SELECT contest, count(*) AS first FROM entries JOIN each USING (contest) WHERE points = highest GROUP BY contest)
SELECT
  e.prompt_id, e.source AS agent, e.version_id, e.version_no, e.created_at, c.agents, e.provenance, e.scale, e.total,
  e.clarity, e.specificity, e.actionability, e.structure, e.context_use, e.text_length, e.prompt_key,
  CASE WHEN c.agents > 1 AND c.headed THEN e.has_head::INTEGER::DOUBLE END AS recorded_win,
  CASE WHEN c.agents > 1 AND c.highest IS NOT NULL THEN (e.points = c.highest)::INTEGER / t.first END AS score_win,
  CASE WHEN c.agents > 1 AND c.selection THEN e.selected::INTEGER::DOUBLE END AS selected_win,
  CASE WHEN c.agents > 1 AND c.choices > 0 THEN coalesce(e.times, 0) / c.choices END AS user_win,
  e.contest, e.cluster, e.repeated, list_position(c.turns, e.turn) AS place
FROM entries AS e JOIN each AS c USING (contest) LEFT JOIN ties AS t USING (contest);

CREATE VIEW contests AS SELECT * EXCLUDE (contest, cluster, repeated, place) FROM contests_among(NULL::VARCHAR[]);
