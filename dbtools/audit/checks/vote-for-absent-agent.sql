-- severity: warning
-- area: feedback
-- question: Which votes for the agents' answer, or winners of the judge, name an agent that wrote no version of the prompt?
-- hint: Leave them out of conclusions; nobody can have seen an answer of this agent.
SELECT f.id, f.prompt_id, f.agent_winner, f.judge_winner, f.row_id
FROM feedback AS f
WHERE EXISTS (SELECT 1 FROM versions AS v WHERE v.prompt_id = f.prompt_id)
  AND (
    (
      f.user_choice = 'multi' AND f.agent_winner IS NOT NULL
      AND NOT EXISTS (
        SELECT 1 FROM versions AS v WHERE v.prompt_id = f.prompt_id AND f.agent_winner IN (v.source, v.selected_agent)
      )
    )
    OR (
      f.judge_winner IN (SELECT source FROM versions WHERE competes)
      AND NOT EXISTS (
        SELECT 1 FROM versions AS v WHERE v.prompt_id = f.prompt_id AND f.judge_winner IN (v.source, v.selected_agent)
      )
    )
  )
ORDER BY f.row_id
