-- severity: warning
-- area: feedback
-- question: Does judge_correct only repeat that the user chose "multi", in every one of five or more rows?
-- hint: Do not read it as the judge's accuracy; it says nothing that user_choice does not say.
SELECT 'user_feedback' AS id, count(*) AS rows
FROM feedback
HAVING count(*) >= 5 AND bool_and(judge_correct = (user_choice = 'multi'))
ORDER BY rows
