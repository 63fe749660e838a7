-- Which agents met in which prompt, and how did each fare? One row per prompt, provenance and competing agent: agents meet
-- only others of the same provenance, and one with several such versions competes with its last. Competing are the sources
-- in named_agents; where there are none, all but the known non-agents. Each kind of win is NULL where it cannot be told:
-- where one agent is alone, or
-- recorded_win: without a head, or where the head is no agent's or of another provenance;
-- score_win: the share of the highest total (a tie of k: 1/k), told where all agents have one, on one scale;
-- selected_win: the application's own selection (explanation.selected_agent of the last version that has one);
-- user_win: the share of the users' choices that name an agent which competes here. (No parameters.)
WITH
entries AS (
  SELECT *
  FROM (
    SELECT
      s.prompt_id, s.source, s.version_id, s.version_no, s.created_at, s.provenance, s.scale, s.total, s.clarity,
      s.specificity, s.actionability, s.structure, s.context_use, s.text_length,
      -- Totals are sums of marks: the ninth decimal is noise.
      floor(s.total * 1e9 + 0.5e0) / 1e9 AS rounded,
      max(CASE WHEN s.is_head THEN 1 ELSE 0 END) OVER (PARTITION BY s.prompt_id, s.source, s.provenance) AS has_head,
      row_number() OVER (
        PARTITION BY s.prompt_id, s.source, s.provenance
        ORDER BY s.version_no DESC NULLS LAST, s.created_at DESC NULLS LAST, s.row_id DESC
      ) AS place
    FROM scored_versions AS s
    CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
    LEFT JOIN named_agents AS n ON n.source = s.source
    WHERE CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE s.competes END
  ) AS ranked
  WHERE place = 1
),
selections AS (
  SELECT prompt_id, selected_agent AS agent
  FROM (
    SELECT
      prompt_id, selected_agent,
      row_number() OVER (
        PARTITION BY prompt_id ORDER BY version_no DESC NULLS LAST, created_at DESC NULLS LAST, row_id DESC
      ) AS place
    FROM versions
    WHERE selected_agent IS NOT NULL
  ) AS ranked
  WHERE place = 1
),
choices AS (
  SELECT coalesce(f.prompt_id, p.id) AS prompt_id, f.agent_winner AS agent, count(*) AS times
  FROM feedback AS f LEFT JOIN prompts AS p ON f.prompt_id IS NULL AND p.request_id = f.request_id
  WHERE f.user_choice = 'multi'
  GROUP BY coalesce(f.prompt_id, p.id), f.agent_winner
),
met AS (
  SELECT
    e.*, CASE WHEN s.agent = e.source THEN 1 ELSE 0 END AS selected, c.times,
    CASE WHEN max(e.has_head) OVER prompt = 1 THEN 1e0 * e.has_head END AS recorded,
    count(*) OVER prompt AS agents, max(CASE WHEN s.agent = e.source THEN 1 ELSE 0 END) OVER prompt AS selection,
    sum(c.times) OVER prompt AS choices,
    CASE WHEN min(e.scale) OVER prompt = max(e.scale) OVER prompt AND count(e.total) OVER prompt = count(*) OVER prompt
      THEN max(e.rounded) OVER prompt END AS highest
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
    THEN CASE WHEN m.rounded = m.highest THEN 1e0 ELSE 0e0 END
      / count(CASE WHEN m.rounded = m.highest THEN 1 END) OVER (PARTITION BY m.prompt_id, m.provenance)
  END AS score_win,
  CASE WHEN m.agents > 1 AND m.selection = 1 THEN 1e0 * m.selected END AS selected_win,
  CASE WHEN m.agents > 1 AND m.choices > 0 THEN 1e0 * coalesce(m.times, 0) / m.choices END AS user_win
FROM met AS m
LEFT JOIN (SELECT id, min(text_key) AS text_key FROM prompts GROUP BY id) AS p ON p.id = m.prompt_id
