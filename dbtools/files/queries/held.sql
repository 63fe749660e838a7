-- Which rows of a CSV file does the database hold, and which of them say no more than it does? A row is held where the
-- database gives its id, agent and prompt the same texts or scores.
-- Reads: csv_rows (row, key, scores, more: whether it has cells that no column of the database can have; its cells c0, c1 …
-- and those without an export's apostrophe b0, b1 …; blank cells are NULL).
-- Parameters: owner (what the key names: versions, scores, prompts by id or request, texts: prompts by text);
-- {held}, {complete}: the comparisons of the file's columns.
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
),
facts AS (
  SELECT
    id::VARCHAR AS key, text, prompt_id, version_no, source, explanation AS json, created_at, parent_version_id, change_type,
    change_magnitude
  FROM versions
  WHERE $owner = 'versions'
  UNION ALL BY NAME
  SELECT
    s.prompt_version_id::VARCHAR AS key, v.prompt_id, s.feedback AS json, s.created_at, s.total,
    [s.clarity, s.specificity, s.actionability, s.structure, s.context_use] AS scores
  FROM scores AS s LEFT JOIN versions AS v ON v.id = s.prompt_version_id
  WHERE $owner = 'scores'
  UNION ALL BY NAME
  SELECT p.key, p.original_text AS text, p.created_at, a.answers, w.winners
  FROM asked AS p LEFT JOIN answers AS a ON a.prompt_id = p.id LEFT JOIN winners AS w ON w.prompt_id = p.id
),
compared AS (
  SELECT r.row, {held} AS held, NOT r.more AND {complete} AS complete
  FROM csv_rows AS r JOIN facts AS f ON f.key = r.key
)
SELECT row, bool_or(complete) AS complete
FROM compared
WHERE held
GROUP BY row
ORDER BY row
