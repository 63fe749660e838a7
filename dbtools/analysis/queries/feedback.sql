-- What did users choose, and how often did they prefer an agent's answer that they were shown? One row per choice and agent.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all; that of the prompt).
-- Choice: of all rows with a choice. Agent: of the rows in which the agent's answer was the one shown (judge_winner).
WITH
chosen AS (
  SELECT f.*
  FROM feedback AS f
  LEFT JOIN prompts AS p ON p.id = f.prompt_id
  LEFT JOIN prompts AS r ON f.prompt_id IS NULL AND r.request_id = f.request_id
  LEFT JOIN provenance AS o ON o.relation = 'prompts' AND o.row_id = coalesce(p.row_id, r.row_id)
  WHERE $provenance IN (coalesce(o.provenance, 'unknown'), 'all')
),
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
