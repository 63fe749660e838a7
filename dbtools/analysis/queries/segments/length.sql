-- How long is each prompt, in thirds of the prompts of contests? (A working table.) One row per prompt. (No parameters.)
WITH
competed AS (
  SELECT id AS prompt_id, text_length FROM prompts WHERE id IN (SELECT prompt_id FROM candidates) AND text_length IS NOT NULL
),
cuts AS (SELECT quantile_disc(text_length, 0.3333) AS low, quantile_disc(text_length, 0.6667) AS high FROM competed)
SELECT
  prompt_id,
  CASE
    WHEN text_length <= low THEN 'up to ' || low || ' characters'
    WHEN text_length <= high THEN (low + 1) || ' to ' || high || ' characters'
    ELSE 'more than ' || high || ' characters'
  END AS segment
FROM competed CROSS JOIN cuts
