-- Which of two texts is better for a prompt? One row per pair of versions and order of the sides, for a judge model or raters
-- outside; nothing tells who wrote which. Written only when it is named, as JSON Lines. (No parameters.)
SELECT
  t.task, 'Which text is the better version of the prompt? Answer left, right or tie.' AS question,
  any_value(p.original_text) AS prompt, any_value(l.text) AS left_text, any_value(r.text) AS right_text
FROM rating_tasks AS t
JOIN prompts AS p ON p.id = t.prompt_id
JOIN versions AS l ON l.id = t.left_version_id
JOIN versions AS r ON r.id = t.right_version_id
GROUP BY t.task
ORDER BY task, min(t.row_id)
