-- What is known of each version, its newest score brought to one scale of 0–50? One row per version.
-- scale: judge (five marks of 0–10), unit (the judge's too, of a time when it marked 0–1), stuck (the judge's too, of a
-- time when it gave everything the same marks; see judge_regimes), heuristic (0 or 5, judge not reachable), self (the agent's own mark of the input,
-- 0–20, five equal), synthetic (history generator, 0–100, five equal), unknown; total is NULL where it is unknown or stuck.
-- is_best: the highest total among the competing agents of the prompt on the same scale (ties: all of them).
-- (No parameters.)
WITH
newest AS (
  SELECT *
  FROM (
    SELECT
      id, row_id, prompt_version_id, clarity, specificity, actionability, structure, context_use, total, heuristic,
      feedback_synthetic, feedback_agent, feedback_confidence,
      least(clarity, specificity, actionability, structure, context_use) AS lowest,
      greatest(clarity, specificity, actionability, structure, context_use) AS highest,
      row_number() OVER (PARTITION BY prompt_version_id ORDER BY created_at DESC NULLS LAST, row_id DESC) AS place
    FROM scores
  ) AS ranked
  WHERE place = 1
),
scaled AS (
  SELECT
    v.id, v.prompt_id, v.source, v.competes, v.version_no, v.created_at, v.text_length, v.text_key, v.parent_version_id,
    v.change_type, v.change_magnitude, v.selected_agent, v.row_id,
    s.id AS score_id, s.clarity, s.specificity, s.actionability, s.structure, s.context_use, s.total AS raw_total,
    CASE
      WHEN s.total IS NULL THEN NULL
      WHEN s.heuristic THEN 'heuristic'
      WHEN s.lowest = s.highest AND s.feedback_synthetic AND (v.source = 'synthetic_generator' OR s.highest > 10)
        AND s.highest BETWEEN 0 AND 100 THEN 'synthetic'
      WHEN s.lowest = s.highest AND s.feedback_agent IS NOT NULL AND s.feedback_confidence IS NOT NULL
        AND s.highest BETWEEN 0 AND 20 THEN 'self'
      WHEN s.lowest >= 0 AND s.highest <= 10 THEN coalesce(r.regime, 'judge')
      ELSE 'unknown'
    END AS scale
  FROM versions AS v
  LEFT JOIN newest AS s ON s.prompt_version_id = v.id
  LEFT JOIN judge_regimes AS r ON r.row_id = s.row_id
),
totals AS (
  SELECT
    *,
    CASE scale
      WHEN 'judge' THEN raw_total WHEN 'heuristic' THEN raw_total
      WHEN 'unit' THEN raw_total * 10e0 WHEN 'self' THEN raw_total / 2e0 WHEN 'synthetic' THEN raw_total / 10e0
    END AS total
  FROM scaled
),
chosen AS (  -- an id in two spellings can give a prompt two heads
  SELECT prompt_id, prompt_version_id
  FROM (
    SELECT
      prompt_id, prompt_version_id,
      row_number() OVER (PARTITION BY prompt_id ORDER BY updated_at DESC NULLS LAST, row_id DESC) AS place
    FROM heads
  ) AS ranked
  WHERE place = 1
)
SELECT
  t.id AS version_id, t.prompt_id, t.source, t.competes, t.version_no, t.created_at,
  t.clarity, t.specificity, t.actionability, t.structure, t.context_use, t.raw_total, t.total, t.scale,
  p.provenance, h.prompt_version_id IS NOT NULL AS is_head,
  t.competes AND t.total IS NOT NULL
    AND t.total = max(CASE WHEN t.competes THEN t.total END) OVER (PARTITION BY t.prompt_id, t.scale) AS is_best,
  t.text_length, t.text_key, t.parent_version_id, t.change_type, t.change_magnitude, t.selected_agent,
  t.score_id, t.row_id
FROM totals AS t
LEFT JOIN row_provenance AS p ON p.relation = 'versions' AND p.row_id = t.row_id
LEFT JOIN chosen AS h ON h.prompt_id = t.prompt_id AND h.prompt_version_id = t.id
