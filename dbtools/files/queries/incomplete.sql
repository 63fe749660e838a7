-- Which rows of a CSV file hold a cell that the database does not have with the row of the same id?
-- Reads: csv_rows (row, id, scores), csv_cells (row, name, value: every cell that is neither blank, nor the id, nor one of
-- the layout's texts), csv_owner (one row: what the id names). A row whose id is unknown has its cells nowhere. Old logs
-- number versions from 0, and were written a moment before or after the database. (No parameters.)
WITH
winners AS (
  SELECT h.prompt_id, v.source FROM heads AS h JOIN versions AS v ON v.id = h.prompt_version_id
),
totals AS (
  SELECT prompt_id, list({agent: source, total: raw_total}) AS totals FROM scored_versions GROUP BY prompt_id
),
prompt_facts AS (
  SELECT p.id, p.request_id, p.created_at, w.source AS selected_agent, t.totals
  FROM prompts AS p LEFT JOIN winners AS w ON w.prompt_id = p.id LEFT JOIN totals AS t ON t.prompt_id = p.id
),
facts AS (
  SELECT
    'versions' AS owner, id, prompt_id, version_no, source, explanation AS json, created_at, parent_version_id,
    change_type, change_magnitude
  FROM versions
  UNION ALL BY NAME
  SELECT
    'scores' AS owner, s.prompt_version_id AS id, v.prompt_id, s.feedback AS json, s.created_at, s.total,
    [s.clarity, s.specificity, s.actionability, s.structure, s.context_use] AS scores
  FROM scores AS s LEFT JOIN versions AS v ON v.id = s.prompt_version_id
  UNION ALL BY NAME
  SELECT 'prompts' AS owner, id, created_at, selected_agent, totals FROM prompt_facts
  UNION ALL BY NAME
  SELECT 'prompts' AS owner, try_cast(request_id AS UUID) AS id, created_at, selected_agent, totals FROM prompt_facts
),
numbered AS (
  SELECT *, row_number() OVER () AS n FROM facts
),
compared AS (
  SELECT
    r.row, f.n,
    bool_and(coalesce(CASE
      WHEN x.name = 'prompt_id' THEN try_cast(x.value AS UUID) = f.prompt_id
      WHEN x.name = 'parent_version_id' THEN try_cast(x.value AS UUID) = f.parent_version_id
      WHEN x.name = 'version_no' THEN f.version_no - try_cast(x.value AS BIGINT) IN (0, 1)
      WHEN x.name = 'source' THEN x.value = f.source
      WHEN x.name IN ('explanation', 'feedback') THEN x.value = f.json
        OR CASE WHEN json_valid(x.value) AND json_valid(f.json) THEN json(x.value) = json(f.json) END
      WHEN x.name = 'timestamp' THEN abs(epoch(utc(x.value)) - epoch(f.created_at)) <= 1
      WHEN x.name = 'change_type' THEN x.value = f.change_type
      WHEN x.name = 'change_magnitude' THEN abs(try_cast(x.value AS DOUBLE) - f.change_magnitude) <= 1e-9
      WHEN x.name = 'total' THEN abs(try_cast(x.value AS DOUBLE) - f.total) <= 1e-6
      WHEN x.name = 'selected_agent' THEN x.value = f.selected_agent
      WHEN ends_with(x.name, '_score') THEN len(list_filter(
        f.totals, t -> t.agent || '_score' = x.name AND abs(try_cast(x.value AS DOUBLE) - t.total) <= 1e-6)) > 0
    END, false)) AS same
  FROM csv_rows AS r
  CROSS JOIN csv_owner AS c
  JOIN numbered AS f ON f.id = r.id AND f.owner = c.owner AND (f.scores IS NULL OR f.scores = r.scores)
  JOIN csv_cells AS x ON x.row = r.row
  GROUP BY r.row, f.n
)
SELECT DISTINCT x.row
FROM csv_cells AS x ANTI JOIN (SELECT row FROM compared WHERE same) AS s ON s.row = x.row
ORDER BY x.row
