-- Which rows must exported rating tasks have? Written without the view rating_tasks: from the tables and their provenance, by
-- the greatest of records, and by exclusion. (No parameters.)
WITH
real_rows AS (SELECT row_id FROM provenance WHERE relation = 'versions' AND provenance = 'real'),
last AS (
  SELECT
    prompt_id, source,
    max({
      number: coalesce(version_no::HUGEINT, -1e20::HUGEINT), moment: coalesce(created_at, '-infinity'::TIMESTAMP), place: row_id
    }).place AS row_id
  FROM versions
  WHERE competes AND source <> '' AND row_id IN (FROM real_rows)
  GROUP BY prompt_id, source
),
sides AS (SELECT v.prompt_id, v.id, v.source, v.text FROM last JOIN versions AS v USING (row_id) WHERE v.text <> ''),
asked AS (SELECT id, min_by(original_text, row_id) AS original_text FROM prompts GROUP BY id)
SELECT
  md5('rating task ' || p.id::VARCHAR || ' ' || l.id::VARCHAR || ' ' || r.id::VARCHAR) AS task,
  'Which text is the better version of the prompt? Answer left, right or tie.' AS question,
  p.original_text AS prompt, l.text AS left_text, r.text AS right_text
FROM asked AS p, sides AS l, sides AS r
WHERE l.prompt_id = p.id AND r.prompt_id = p.id AND NOT l.source = r.source AND NOT l.text = r.text AND p.original_text <> ''
