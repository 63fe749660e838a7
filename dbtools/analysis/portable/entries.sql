-- What does a comparison need of each contest and agent, and nothing else? (A working table: every question reads it, so
-- that the views behind it are worked out once.) One row per prompt, provenance and competing agent. (No parameters.)
-- cluster: prompts of the same normalised text; total on 0-50 and marks on 0-10 whatever the scale; place: 1 = first in its prompt.
SELECT
  prompt_id || provenance AS contest, coalesce(prompt_key, prompt_id) AS cluster, agent, provenance, scale, total,
  clarity * factor AS clarity, specificity * factor AS specificity, actionability * factor AS actionability,
  structure * factor AS structure, context_use * factor AS context_use,
  text_length,
  row_number() OVER (PARTITION BY prompt_id, provenance ORDER BY version_no NULLS LAST, agent NULLS LAST) AS place, agents,
  recorded_win AS recorded, score_win AS score, selected_win AS selected, user_win AS voted
FROM (
  SELECT c.*, CASE c.scale WHEN 'self' THEN 0.5e0 WHEN 'synthetic' THEN 0.1e0 ELSE 1e0 END AS factor FROM contests AS c
) AS scaled
