-- What does a comparison need of each contest and agent, and nothing else? (A working table: every question reads it, so
-- that the views behind it are worked out once.) One row per prompt, provenance and competing agent.
-- Parameters: $agents (the sources that compete; NULL: all but the known non-agents).
-- contest: NULL without a prompt; cluster: prompts of the same normalised text; repeated: whether other contests may be of
-- the same cluster; total on 0-50 and marks on 0-10 whatever the scale; place: 1 = first in its prompt.
SELECT
  CASE WHEN prompt_id IS NOT NULL THEN contest END AS contest, cluster, repeated, agent, provenance, scale, total,
  clarity * factor AS clarity, specificity * factor AS specificity, actionability * factor AS actionability,
  structure * factor AS structure, context_use * factor AS context_use,
  text_length, place, agents,
  recorded_win AS recorded, score_win AS score, selected_win AS selected, user_win AS "user"
FROM (SELECT *, CASE scale WHEN 'self' THEN 0.5::DOUBLE WHEN 'synthetic' THEN 0.1::DOUBLE ELSE 1 END AS factor
      FROM contests_among($agents))
