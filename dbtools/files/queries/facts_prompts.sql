-- What does the database say of each prompt that a CSV file names? (A working table.)
-- Reads: csv_rows. Parameters: owner (what the key names: prompts by id or request, texts: prompts by text).
WITH
keys AS (SELECT DISTINCT key FROM csv_rows),
prompt_keys AS (
  SELECT id, id::VARCHAR AS key FROM prompts WHERE $owner = 'prompts'
  UNION
  SELECT id, coalesce(try_cast(trim(request_id) AS UUID)::VARCHAR, trim(request_id)) FROM prompts WHERE $owner = 'prompts'
  UNION
  SELECT id, original_text FROM prompts WHERE $owner = 'texts'
),
asked AS (
  SELECT k.key, p.id, p.original_text, p.created_at
  FROM prompt_keys AS k SEMI JOIN keys ON keys.key = k.key JOIN prompts AS p ON p.id = k.id
),
answers AS (
  SELECT v.prompt_id, list({agent: v.source, text: v.text, total: s.raw_total}) AS answers
  FROM versions AS v
  SEMI JOIN asked AS p ON p.id = v.prompt_id
  LEFT JOIN scored_versions AS s ON s.row_id = v.row_id
  GROUP BY v.prompt_id
),
winners AS (
  SELECT h.prompt_id, list({agent: v.source, text: v.text}) AS winners
  FROM heads AS h
  SEMI JOIN asked AS p ON p.id = h.prompt_id
  JOIN versions AS v ON v.id = h.prompt_version_id AND v.prompt_id = h.prompt_id
  GROUP BY h.prompt_id
)
SELECT
  p.key, p.original_text AS text, p.created_at, a.answers, w.winners, NULL::UUID AS prompt_id,
  NULL::UUID AS parent_version_id, NULL::BIGINT AS version_no, NULL::VARCHAR AS source, NULL::VARCHAR AS json,
  NULL::VARCHAR AS change_type, NULL::DOUBLE AS change_magnitude, NULL::DOUBLE AS total
FROM asked AS p LEFT JOIN answers AS a ON a.prompt_id = p.id LEFT JOIN winners AS w ON w.prompt_id = p.id
