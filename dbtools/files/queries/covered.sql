-- Which rows of a CSV file does the database hold, and how were they found?
-- Reads: csv_rows (row, id, scores), csv_texts (row, place, text; blank texts left out; a text may stand
-- in two readings), csv_owner (one row: what the id
-- names). evidence: 'id' (the id is known and its own text or scores are the same), 'text' (every text is known letter by
-- letter), 'normalised' (known up to case and white space), NULL (exists nowhere in the database). (No parameters.)
WITH
known AS (
  SELECT DISTINCT text, text_key(text) AS key
  FROM (SELECT text FROM versions UNION ALL SELECT original_text FROM prompts)
  WHERE text IS NOT NULL
),
owners AS (
  SELECT id, text AS text, 'versions' AS owner FROM versions
  UNION ALL
  SELECT id, original_text, 'prompts' FROM prompts
  UNION ALL
  SELECT try_cast(request_id AS UUID), original_text, 'prompts' FROM prompts
),
texts AS (
  SELECT row, bool_and(exact) AS exact, bool_and(normalised) AS normalised
  FROM (
    SELECT t.row, t.place, bool_or(e.text IS NOT NULL) AS exact, bool_or(n.key IS NOT NULL) AS normalised
    FROM csv_texts AS t
    LEFT JOIN (SELECT DISTINCT text FROM known) AS e ON e.text = t.text
    LEFT JOIN (SELECT DISTINCT key FROM known) AS n ON n.key = text_key(t.text)
    GROUP BY t.row, t.place
  )
  GROUP BY row
),
by_id AS (
  SELECT DISTINCT r.row
  FROM csv_rows AS r
  CROSS JOIN csv_owner AS c
  JOIN owners AS o ON o.id = r.id AND o.owner = c.owner
  LEFT JOIN csv_texts AS t ON t.row = r.row AND t.place = 0
  WHERE t.text = o.text OR (t.text IS NULL AND trim(o.text) = '')
  UNION
  SELECT DISTINCT r.row
  FROM csv_rows AS r
  CROSS JOIN csv_owner AS c
  JOIN scores AS s ON s.prompt_version_id = r.id
  WHERE c.owner = 'scores' AND r.scores = [s.clarity, s.specificity, s.actionability, s.structure, s.context_use]
)
SELECT
  r.row,
  CASE
    WHEN i.row IS NOT NULL AND coalesce(t.exact, true) THEN 'id'
    WHEN t.exact THEN 'text'
    WHEN t.normalised THEN 'normalised'
  END AS evidence
FROM csv_rows AS r
LEFT JOIN by_id AS i ON i.row = r.row
LEFT JOIN texts AS t ON t.row = r.row
ORDER BY r.row
