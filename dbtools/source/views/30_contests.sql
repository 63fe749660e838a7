-- Which agents met in which prompt, and how did each fare? One row per prompt and competing agent; an agent with several
-- versions in a prompt competes with its last. recorded_win: the stored head is that agent's (NULL without a head or where
-- the head is no agent's); score_win: the share of the highest total among agents scored on one scale (a tie of k: 1/k).
-- (No parameters.)
CREATE VIEW contests AS
WITH
entries AS (
  SELECT *
  FROM scored_versions
  WHERE competes
  QUALIFY row_number() OVER (PARTITION BY prompt_id, source ORDER BY version_no DESC, created_at DESC, row_id DESC) = 1
),
winners AS (
  SELECT h.prompt_id, v.source AS winner
  FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id AND v.prompt_id = h.prompt_id
  WHERE competes(v.source)
),
met AS (
  SELECT
    e.*, w.winner, count(*) OVER prompt AS agents,
    CASE WHEN count(DISTINCT e.scale) OVER prompt = 1 AND count(e.total) OVER prompt = count(*) OVER prompt
      THEN max(e.total) OVER prompt END AS highest
  FROM entries AS e LEFT JOIN winners AS w ON w.prompt_id = e.prompt_id
  WINDOW prompt AS (PARTITION BY e.prompt_id)
)
SELECT
  m.prompt_id, m.source AS agent, m.version_id, m.version_no, m.created_at, m.agents, m.provenance, m.scale, m.total,
  m.clarity, m.specificity, m.actionability, m.structure, m.context_use, m.text_length,
  p.text_key AS prompt_key, m.winner = m.source AS recorded_win,
  CASE WHEN m.highest IS NOT NULL
    THEN (m.total = m.highest)::DOUBLE / count(*) FILTER (m.total = m.highest) OVER (PARTITION BY m.prompt_id)
  END AS score_win
FROM met AS m LEFT JOIN prompts AS p ON p.id = m.prompt_id;
