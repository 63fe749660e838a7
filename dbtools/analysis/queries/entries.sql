-- What does a comparison need of each contest and agent, and nothing else? (A working table: every question reads it, so
-- that the views behind it are computed once.) One row per prompt, provenance and competing agent. (No parameters.)
-- contest: NULL without a prompt; cluster: prompts of the same normalised text; repeated: whether other contests may be of
-- the same cluster; total on 0-50 and scores on 0-10 whatever the scale; turn: the smaller, the earlier in its prompt.
SELECT
  CASE WHEN prompt_id IS NOT NULL THEN contest END AS contest, cluster, repeated, agent, provenance, scale, total,
  clarity * factor AS clarity, specificity * factor AS specificity, actionability * factor AS actionability,
  structure * factor AS structure, context_use * factor AS context_use,
  text_length, turn, agents,
  recorded_win AS recorded, score_win AS score, selected_win AS selected, user_win AS voted
FROM (
  SELECT c.*, CASE c.scale WHEN 'self' THEN 0.5e0 WHEN 'synthetic' THEN 0.1e0 ELSE 1e0 END AS factor FROM contest_results AS c
) AS scaled
