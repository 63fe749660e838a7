-- What did users choose, and did the judge agree? One row per answer. (No parameters.)
SELECT id, request_id, user_id, prompt_id, user_choice, judge_winner, agent_winner, judge_correct, created_at
FROM feedback
ORDER BY created_at, id, row_id
