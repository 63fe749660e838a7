-- Is a row real, generated, a placeholder, or unknown, and by which marks? One row per prompt, version, score and head.
-- A mark on a prompt counts for its versions, one on a version or its score for both, and a prompt all of whose versions
-- are marked is generated itself. Placeholders are versions of a failed agent run or call, with what hangs on them, and
-- the scores of a judge that was not reachable. Bursts, repeated texts, flat scores and constant heads are no marks: real
-- rows may have them too. (No parameters.)
-- Relations in the schema kept may be worked out once and kept beside the copy (kept.py). What is in one depends on one
-- prompt only, its column prompt_id, so that some prompts of what is kept are what these prompts alone would give. That
-- does not hold for heads: they may name a version of another prompt.
CREATE SCHEMA kept;

CREATE VIEW kept.provenance AS
WITH
score_marks AS (
  SELECT prompt_version_id AS version_id, bool_or(feedback_synthetic) AS feedback FROM scores GROUP BY prompt_version_id
),
version_marks AS (
  SELECT
    v.row_id, v.id, v.prompt_id,
    coalesce(v.agent_failed, false)
      OR coalesce(v.text_error AND v.source NOT IN ('original', 'user_input'), false) AS failed,
    list_filter([
      CASE WHEN v.source = 'synthetic_generator' THEN 'generated-source' END,
      CASE WHEN v.explanation_synthetic THEN 'generated-explanation' END,
      CASE WHEN v.text_mark IS NOT NULL THEN 'generated-text' END,
      CASE WHEN s.feedback THEN 'generated-feedback' END
    ], mark -> mark IS NOT NULL) AS marks
  FROM versions AS v LEFT JOIN score_marks AS s ON s.version_id = v.id
),
prompt_marks AS (
  SELECT
    p.row_id, p.id,
    list_filter([
      CASE WHEN p.user_id LIKE 'test_user%' THEN 'generated-user' END,
      CASE WHEN m.all_marked THEN 'generated-versions' END
    ], mark -> mark IS NOT NULL) AS marks
  FROM prompts AS p
  LEFT JOIN (SELECT prompt_id, bool_and(len(marks) > 0) AS all_marked FROM version_marks GROUP BY prompt_id) AS m
    ON m.prompt_id = p.id
),
judged_versions AS (
  SELECT
    v.row_id, v.id, v.prompt_id, v.failed, p.id IS NULL AS orphan,
    list_concat(v.marks, list_filter(coalesce(p.marks, []), mark -> mark = 'generated-user')) AS marks
  FROM version_marks AS v LEFT JOIN prompt_marks AS p ON p.id = v.prompt_id
),
judged AS (
  SELECT 'prompts' AS relation, row_id, id, id AS prompt_id, false AS failed, false AS orphan, marks FROM prompt_marks
  UNION ALL
  SELECT 'versions', row_id, id, prompt_id, failed, orphan, marks FROM judged_versions
  UNION ALL
  SELECT
    'scores', s.row_id, s.id, v.prompt_id, coalesce(v.failed, false) OR coalesce(s.heuristic, false), v.id IS NULL,
    coalesce(v.marks, [])
  FROM scores AS s LEFT JOIN judged_versions AS v ON v.id = s.prompt_version_id
)
SELECT
  relation, row_id, id,
  CASE
    WHEN len(marks) > 0 THEN 'generated' WHEN failed THEN 'placeholder' WHEN orphan THEN 'unknown' ELSE 'real'
  END AS provenance,
  marks, prompt_id
FROM judged;

CREATE VIEW provenance AS
SELECT * EXCLUDE (prompt_id) FROM kept.provenance
UNION ALL
SELECT
  'heads', h.row_id, h.prompt_id,
  -- A version whose prompt is not there is a known version all the same.
  CASE WHEN v.id IS NULL THEN 'unknown' WHEN v.provenance = 'unknown' THEN 'real' ELSE v.provenance END,
  coalesce(v.marks, [])
FROM heads AS h LEFT JOIN kept.provenance AS v ON v.relation = 'versions' AND v.id = h.prompt_version_id;
