-- What did users choose, and how often did they prefer an agent's answer that they were shown? One row per choice and agent.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all; that of the prompt).
-- Choice: of all rows with a choice. Agent: of the rows in which the agent's answer was the one shown (judge_winner).
WITH
chosen AS (FROM feedback_among($provenance)),
answers AS (
  SELECT 'choice' AS kind, c.name, f.user_choice = c.name AS won
  FROM chosen AS f, (SELECT DISTINCT user_choice AS name FROM chosen WHERE user_choice IS NOT NULL) AS c
  WHERE f.user_choice IS NOT NULL
  UNION ALL
  SELECT 'agent', judge_winner, coalesce(agent_winner = judge_winner, false) FROM chosen WHERE judge_winner IS NOT NULL
)
SELECT kind, name, count(*) AS n, count(*) FILTER (won) AS wins
FROM answers
GROUP BY kind, name
ORDER BY kind DESC, wins DESC, name
