-- Which versions does each task of an exported rating_tasks stand for? One row per task. (No parameters.)
SELECT task, prompt_id::VARCHAR AS prompt, left_version_id::VARCHAR AS "left", right_version_id::VARCHAR AS "right", side_order
FROM rating_tasks
ORDER BY task
