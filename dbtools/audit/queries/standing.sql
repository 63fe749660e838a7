-- How did each agent fare with each prompt text? (A working table of `compare`.)
SELECT
  agent,
  prompt_key,
  count(recorded_win) AS contests,
  coalesce(sum(recorded_win), 0) AS wins,
  count(total) FILTER (WHERE scale = 'judge') AS scored,
  coalesce(sum(total) FILTER (WHERE scale = 'judge'), 0) AS score
FROM contests
WHERE provenance = 'real' AND agents > 1
GROUP BY agent, prompt_key
