-- Which rows of a CSV file does the database hold, and how were they found?
-- Reads: csv_rows (row, id, scores), csv_texts (row, place, text; blank texts left out; a text may stand in two readings).
-- evidence: 'id' (the id is known and its own text or scores are the same), 'text' (every text is known letter by letter),
-- 'normalised' (known up to case and white space), NULL (exists nowhere in the database).
-- Parameters: owner (what the id names: versions, scores or prompts).
WITH
owners AS (
  SELECT id, text FROM versions WHERE $owner = 'versions'
  UNION ALL
  SELECT id, original_text FROM prompts WHERE $owner = 'prompts'
  UNION ALL
  SELECT try_cast(request_id AS UUID), original_text FROM prompts WHERE $owner = 'prompts'
),
exact AS (
  SELECT DISTINCT t.text
  FROM csv_texts AS t
  SEMI JOIN (SELECT text FROM versions UNION ALL SELECT original_text FROM prompts) AS k ON k.text = t.text
),
keyed AS (
  SELECT t.text, text_key(t.text) AS key
  FROM (SELECT DISTINCT text FROM csv_texts) AS t ANTI JOIN exact AS e ON e.text = t.text
),
normalised AS (
  SELECT DISTINCT t.text
  FROM keyed AS t
  SEMI JOIN (SELECT text_key FROM versions UNION ALL SELECT text_key FROM prompts) AS k ON k.text_key = t.key
),
texts AS (
  SELECT row, bool_and(exact) AS exact, bool_and(normalised) AS normalised
  FROM (
    SELECT
      t.row, t.place, bool_or(e.text IS NOT NULL) AS exact,
      bool_or(e.text IS NOT NULL OR n.text IS NOT NULL) AS normalised
    FROM csv_texts AS t
    LEFT JOIN exact AS e ON e.text = t.text
    LEFT JOIN normalised AS n ON n.text = t.text
    GROUP BY t.row, t.place
  )
  GROUP BY row
),
by_id AS (
  SELECT DISTINCT r.row
  FROM csv_rows AS r
  JOIN owners AS o ON o.id = r.id
  LEFT JOIN csv_texts AS t ON t.row = r.row AND t.place = 0
  WHERE t.text = o.text OR (t.text IS NULL AND trim(o.text) = '')
  UNION
  SELECT DISTINCT r.row
  FROM csv_rows AS r
  JOIN scores AS s ON s.prompt_version_id = r.id
  WHERE $owner = 'scores' AND r.scores = [s.clarity, s.specificity, s.actionability, s.structure, s.context_use]
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
