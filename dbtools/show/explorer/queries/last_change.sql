-- When was something last written? One row. (No parameters.)
SELECT greatest(
  (SELECT max(created_at) FROM prompts), (SELECT max(created_at) FROM versions), (SELECT max(created_at) FROM scores),
  (SELECT max(updated_at) FROM heads), (SELECT max(created_at) FROM feedback)
) AS last_change
ORDER BY last_change
