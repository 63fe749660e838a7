-- Is a row real, generated, a placeholder, or unknown, and by which marks? One row per prompt, version and score.
-- A mark on a prompt counts for its versions, one on a version or its score for both, and a prompt all of whose versions
-- are marked is generated itself. Placeholders are versions of a failed agent run or call, with what hangs on them, and
-- the scores of a judge that was not reachable. Bursts, repeated texts, flat scores and constant heads are no marks: real
-- rows may have them too. (No parameters.)
WITH
score_marks AS (
  SELECT
    prompt_version_id AS version_id, bool_or(feedback_synthetic) AS feedback,
    bool_or(feedback_confidence = 0.5e0 AND clarity = 5 AND total = 25) AS default_score
  FROM scores
  GROUP BY prompt_version_id
),
asked_texts AS (
  SELECT id, min(text_mark) AS text_mark, bool_or(text_error) AS text_error, min(text_hash) AS text_hash FROM prompts GROUP BY id
),
version_marks AS (
  SELECT
    v.row_id, v.id, v.prompt_id,
    coalesce(v.agent_failed, false)
      OR coalesce(v.text_error AND v.source NOT IN ('original', 'user_input') AND NOT coalesce(p.text_error, false), false)
      -- A failed agent returns its input, and the score that stands for "unknown".
      OR coalesce(s.default_score AND v.text_hash = p.text_hash AND v.competes, false) AS failed,
    coalesce(v.source = 'synthetic_generator', false) AS by_source,
    coalesce(v.explanation_synthetic, false) AS by_explanation,
    v.text_mark IS NOT NULL AND v.text_mark <> coalesce(p.text_mark, '') AS by_text,
    coalesce(s.feedback, false) AS by_feedback
  FROM versions AS v
  LEFT JOIN score_marks AS s ON s.version_id = v.id
  LEFT JOIN asked_texts AS p ON p.id = v.prompt_id
),
prompt_marks AS (
  SELECT p.row_id, p.id, coalesce(p.test_user, false) AS by_user, coalesce(m.marked, false) AS by_versions
  FROM prompts AS p
  LEFT JOIN (
    SELECT prompt_id, bool_and(by_source OR by_explanation OR by_text OR by_feedback) AS marked
    FROM version_marks
    GROUP BY prompt_id
  ) AS m ON m.prompt_id = p.id
),
judged_versions AS (
  SELECT
    v.row_id, v.id, v.prompt_id, v.failed, p.id IS NULL AS orphan, v.by_source, v.by_explanation, v.by_text, v.by_feedback,
    coalesce(p.by_user, false) AS by_user
  FROM version_marks AS v LEFT JOIN prompt_marks AS p ON p.id = v.prompt_id
),
judged AS (
  SELECT
    'prompts' AS relation, row_id, id, id AS prompt_id, false AS failed, false AS orphan, false AS by_source,
    false AS by_explanation, false AS by_text, false AS by_feedback, by_user, by_versions
  FROM prompt_marks
  UNION ALL
  SELECT
    'versions', row_id, id, prompt_id, failed, orphan, by_source, by_explanation, by_text, by_feedback, by_user, false
  FROM judged_versions
  UNION ALL
  SELECT
    'scores', s.row_id, s.id, v.prompt_id, coalesce(v.failed, false) OR coalesce(s.heuristic, false), v.id IS NULL,
    coalesce(v.by_source, false), coalesce(v.by_explanation, false), coalesce(v.by_text, false),
    coalesce(v.by_feedback, false), coalesce(v.by_user, false), false
  FROM scores AS s LEFT JOIN judged_versions AS v ON v.id = s.prompt_version_id
)
SELECT
  relation, row_id, id,
  CASE
    WHEN by_source OR by_explanation OR by_text OR by_feedback OR by_user OR by_versions THEN 'generated'
    WHEN failed THEN 'placeholder' WHEN orphan THEN 'unknown' ELSE 'real'
  END AS provenance,
  by_source, by_explanation, by_text, by_feedback, by_user, by_versions, failed, prompt_id
FROM judged
