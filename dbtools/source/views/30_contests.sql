-- Which agents met in which prompt, and how did each fare? One row per prompt, provenance and competing agent: agents meet
-- only others of the same provenance, and one with several such versions competes with its last. Each kind of win is NULL where it cannot be told: where one agent is alone, or
-- recorded_win: without a head, or where the head is no agent's or of another provenance;
-- score_win: the share of the highest total (a tie of k: 1/k), told where all agents have one, on one scale;
-- selected_win: the application's own selection (explanation.selected_agent of the last version that has one);
-- user_win: the share of the users' choices that name an agent which competes here.
-- Parameters: names (the sources that compete; NULL: all but the known non-agents).
CREATE MACRO contests_among(names) AS TABLE
WITH
entries AS (
  SELECT
    prompt_id, source, version_id, version_no, created_at, provenance, scale, total, clarity, specificity, actionability,
    structure, context_use, text_length, bool_or(is_head) OVER (PARTITION BY prompt_id, source, provenance) AS has_head
  FROM scored_versions
  WHERE coalesce(list_contains(names, source), competes)
  QUALIFY row_number()
    OVER (PARTITION BY prompt_id, source, provenance ORDER BY version_no DESC, created_at DESC, row_id DESC) = 1
),
selections AS (
  SELECT v.prompt_id, v.selected_agent AS agent
  FROM versions AS v
  WHERE v.selected_agent IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY v.prompt_id ORDER BY v.version_no DESC, v.created_at DESC, v.row_id DESC) = 1
),
choices AS (
  SELECT coalesce(f.prompt_id, p.id) AS prompt_id, f.agent_winner AS agent, count(*) AS times
  FROM feedback AS f LEFT JOIN prompts AS p ON f.prompt_id IS NULL AND p.request_id = f.request_id
  WHERE f.user_choice = 'multi'
  GROUP BY ALL
),
met AS (
  SELECT
    e.*, s.agent = e.source AS selected, c.times,
    CASE WHEN bool_or(e.has_head) OVER prompt THEN e.has_head::INTEGER::DOUBLE END AS recorded,
    count(*) OVER prompt AS agents, bool_or(s.agent = e.source) OVER prompt AS selection,
    sum(c.times) OVER prompt AS choices,
    CASE WHEN min(e.scale) OVER prompt = max(e.scale) OVER prompt AND count(e.total) OVER prompt = count(*) OVER prompt
      THEN max(round(e.total, 9)) OVER prompt END AS highest
  FROM entries AS e
  LEFT JOIN selections AS s ON s.prompt_id = e.prompt_id
  LEFT JOIN choices AS c ON c.prompt_id = e.prompt_id AND c.agent = e.source
  WINDOW prompt AS (PARTITION BY e.prompt_id, e.provenance)
)
SELECT
  m.prompt_id, m.source AS agent, m.version_id, m.version_no, m.created_at, m.agents, m.provenance, m.scale, m.total,
  m.clarity, m.specificity, m.actionability, m.structure, m.context_use, m.text_length,
  p.text_key AS prompt_key,
  CASE WHEN m.agents > 1 THEN m.recorded END AS recorded_win,
  CASE WHEN m.agents > 1 AND m.highest IS NOT NULL
    -- Totals are sums of marks: the ninth decimal is noise.
    THEN (round(m.total, 9) = m.highest)::INTEGER
      / count(*) FILTER (round(m.total, 9) = m.highest) OVER (PARTITION BY m.prompt_id, m.provenance)
  END AS score_win,
  CASE WHEN m.agents > 1 AND m.selection THEN m.selected::INTEGER::DOUBLE END AS selected_win,
  CASE WHEN m.agents > 1 AND m.choices > 0 THEN coalesce(m.times, 0) / m.choices END AS user_win
FROM met AS m
LEFT JOIN (SELECT id, min(text_key) AS text_key FROM prompts GROUP BY id) AS p ON p.id = m.prompt_id;

CREATE VIEW contests AS FROM contests_among(NULL::VARCHAR[]);
