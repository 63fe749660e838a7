-- Who asked this prompt and when, and which prompts were asked before and after it? One row. Parameter: $id.
WITH
ordered AS (
  SELECT
    id::VARCHAR AS prompt_id, user_id, created_at AS asked,
    row_number() OVER asking AS place, count(*) OVER () AS prompts,
    lag(id::VARCHAR) OVER asking AS previous, lead(id::VARCHAR) OVER asking AS next
  FROM prompts
  WINDOW asking AS (ORDER BY created_at NULLS LAST, id, row_id)
)
SELECT *
FROM ordered
WHERE prompt_id = $id
ORDER BY place
LIMIT 1
