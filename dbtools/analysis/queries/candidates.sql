-- Which versions can enter a contest? (A working table.) One row per prompt, provenance and competing agent: its last version.
-- Competing are the sources in named_agents; where there are none, all but the known non-agents. (No parameters.)
-- contest, cluster, repeated, selected, times: as in contest_entries. Scores are on 0-10 and totals on 0-50 whatever the scale.
SELECT
  contest, cluster, repeated, prompt_id, source AS agent, provenance, version_no, created_at, scale, total,
  clarity * factor AS clarity, specificity * factor AS specificity, actionability * factor AS actionability,
  structure * factor AS structure, context_use * factor AS context_use, text_length, has_head, selected, times
FROM (
  SELECT e.*, CASE e.scale WHEN 'unit' THEN 10e0 WHEN 'self' THEN 0.5e0 WHEN 'synthetic' THEN 0.1e0 ELSE 1e0 END AS factor
  FROM contest_entries AS e
  CROSS JOIN (SELECT count(*) AS names FROM named_agents) AS asked
  LEFT JOIN named_agents AS n ON n.source = e.source
  WHERE CASE WHEN asked.names > 0 THEN n.source IS NOT NULL ELSE e.competes AND e.source <> '' END
) AS scaled
