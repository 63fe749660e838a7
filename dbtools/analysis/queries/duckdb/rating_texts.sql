-- What do the prompt and the two versions of a pair say? One row. Parameters: $prompt, $left, $right (their ids).
SELECT
  (SELECT min_by(original_text, row_id) FROM prompts WHERE id = $prompt::UUID) AS prompt,
  (SELECT min_by(text, row_id) FROM versions WHERE id = $left::UUID) AS left_text,
  (SELECT min_by(text, row_id) FROM versions WHERE id = $right::UUID) AS right_text
ORDER BY ALL
