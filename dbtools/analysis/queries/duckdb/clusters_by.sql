-- Which prompts are taken as one draw? (A working table: the candidates, with clusters of another kind.) Parameters: $cluster
-- (near, user or day).
-- near: the text without case, digits, punctuation and spaces between words; a prompt without a user or time is by itself.
WITH
keyed AS (
  SELECT
    id AS prompt_id,
    coalesce(
      CASE $cluster
        WHEN 'near' THEN nullif(trim(regexp_replace(lower(min(original_text)), '[\s\d[:punct:]]+', ' ', 'g')), '')
        WHEN 'user' THEN nullif(min(user_id), '')
        WHEN 'day' THEN strftime(min(created_at), '%Y-%m-%d')
      END,
      'prompt ' || id
    ) AS key
  FROM prompts
  GROUP BY id
),
numbered AS (
  SELECT prompt_id, dense_rank() OVER (ORDER BY key) AS cluster, count(*) OVER (PARTITION BY key) > 1 AS repeated
  FROM keyed
)
SELECT c.* REPLACE (coalesce(n.cluster, -c.contest) AS cluster, coalesce(n.repeated, false) AS repeated)
FROM candidates AS c LEFT JOIN numbered AS n ON n.prompt_id = c.prompt_id
