-- When was something last written, and from when to when were prompts asked? One row. (No parameters.)
SELECT
  (SELECT min(created_at) FROM prompts) AS first_prompt, (SELECT max(created_at) FROM prompts) AS last_prompt,
  greatest(
    (SELECT max(created_at) FROM prompts), (SELECT max(created_at) FROM versions), (SELECT max(created_at) FROM scores),
    (SELECT max(updated_at) FROM heads), (SELECT max(created_at) FROM feedback)
  ) AS last_change
ORDER BY last_change
