-- Of which rows that the database does not hold does it know every text, wherever it stands?
-- Reads: csv_texts (row, place, text; blank texts left out; a text may stand in two readings).
-- evidence: 'text' (letter by letter) or 'normalised' (up to case and white space). (No parameters.)
WITH
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
  SELECT t.row, t.place, bool_or(e.text IS NOT NULL) AS exact, bool_or(n.text IS NOT NULL) AS normalised
  FROM csv_texts AS t
  LEFT JOIN exact AS e ON e.text = t.text
  LEFT JOIN normalised AS n ON n.text = t.text
  GROUP BY t.row, t.place
)
SELECT row, CASE WHEN bool_and(exact) THEN 'text' ELSE 'normalised' END AS evidence
FROM texts
GROUP BY row
HAVING bool_and(exact OR normalised)
ORDER BY row
