-- What does the database know of the things a log's ids name, and does a cell of a log say the same? Old logs number
-- versions from 0, and were written a moment before or after the database.
-- Parameters: owner (what the ids name: versions, scores or prompts); name and value of the cell, f (a row of log_facts).
CREATE MACRO log_facts(owner) AS TABLE
WITH
winners AS (
  SELECT h.prompt_id, v.source FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id
),
totals AS (
  SELECT prompt_id, list({agent: source, total: raw_total}) AS totals FROM scored_versions GROUP BY prompt_id
),
prompt_facts AS (
  SELECT p.id, p.request_id, p.original_text AS text, p.created_at, w.source AS selected_agent, t.totals
  FROM prompts AS p LEFT JOIN winners AS w ON w.prompt_id = p.id LEFT JOIN totals AS t ON t.prompt_id = p.id
)
SELECT
  id, text, prompt_id, version_no, source, explanation AS json, created_at, parent_version_id, change_type,
  change_magnitude
FROM versions
WHERE owner = 'versions'
UNION ALL BY NAME
SELECT
  s.prompt_version_id AS id, v.prompt_id, s.feedback AS json, s.created_at, s.total,
  [s.clarity, s.specificity, s.actionability, s.structure, s.context_use] AS scores
FROM scores AS s LEFT JOIN versions AS v ON v.id = s.prompt_version_id
WHERE owner = 'scores'
UNION ALL BY NAME
SELECT id, text, created_at, selected_agent, totals FROM prompt_facts WHERE owner = 'prompts'
UNION ALL BY NAME
SELECT try_cast(request_id AS UUID) AS id, text, created_at, selected_agent, totals FROM prompt_facts
WHERE owner = 'prompts';

CREATE MACRO same_cell(name, value, f) AS coalesce(CASE
  WHEN name = 'prompt_id' THEN try_cast(value AS UUID) = (f).prompt_id
  WHEN name = 'parent_version_id' THEN try_cast(value AS UUID) = (f).parent_version_id
  WHEN name = 'version_no' THEN (f).version_no::HUGEINT - try_cast(value AS BIGINT) IN (0, 1)
  WHEN name = 'source' THEN value = (f).source
  WHEN name IN ('explanation', 'feedback') THEN value = (f).json
    OR CASE WHEN json_valid(value) AND json_valid((f).json) THEN json(value) = json((f).json) END
  WHEN name = 'timestamp' THEN abs(epoch(utc(value)) - epoch((f).created_at)) <= 1
  WHEN name = 'change_type' THEN value = (f).change_type
  WHEN name = 'change_magnitude' THEN abs(try_cast(value AS DOUBLE) - (f).change_magnitude) <= 1e-9
  WHEN name = 'total' THEN abs(try_cast(value AS DOUBLE) - (f).total) <= 1e-6
  WHEN name = 'selected_agent' THEN value = (f).selected_agent
  WHEN ends_with(name, '_score') THEN len(list_filter(
    (f).totals, t -> t.agent || '_score' = name AND abs(try_cast(value AS DOUBLE) - t.total) <= 1e-6)) > 0
END, false);
