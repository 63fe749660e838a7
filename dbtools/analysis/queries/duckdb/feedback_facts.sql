-- How much feedback is there, and does judge_correct say more than the user's choice? One row.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all; that of the prompt).
-- repeats_choice: judge_correct equals user_choice = 'multi' in every row, so it says nothing of the judge.
WITH
chosen AS (FROM feedback_among($provenance))
SELECT
  count(*) AS n, count(DISTINCT user_id) AS users, count(judge_correct) AS judged,
  count(*) FILTER (judge_correct) AS correct, coalesce(bool_and(judge_correct = (user_choice = 'multi')), false) AS repeats_choice,
  (
    SELECT count(DISTINCT p.request_id)
    FROM prompts AS p JOIN provenance AS o ON o.relation = 'prompts' AND o.row_id = p.row_id
    WHERE $provenance IN (o.provenance, 'all')
  ) AS requests
FROM chosen
ORDER BY n
