-- severity: error
-- area: feedback
-- question: Which feedback contradicts itself or its prompt (choice, winners, judge_correct, request)?
-- hint: Leave it out of conclusions; judge_correct must say whether the two winners are the same.
SELECT f.id, f.user_choice, f.judge_winner, f.agent_winner, f.judge_correct, f.row_id
FROM feedback AS f LEFT JOIN prompts AS p ON p.id = f.prompt_id
WHERE f.user_choice NOT IN ('original', 'single', 'multi')
  OR f.judge_correct <> (f.judge_winner = f.agent_winner)
  OR f.request_id <> p.request_id
ORDER BY f.row_id
