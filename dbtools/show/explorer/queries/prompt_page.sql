-- What is known of each version of a prompt? One row per version, the agents that compete first. Parameter: $id.
SELECT
  s.version_id::VARCHAR AS version_id, s.source, s.version_no, s.created_at, s.scale, s.clarity, s.specificity,
  s.actionability, s.structure, s.context_use, s.total, s.provenance, s.is_head,
  (SELECT sum(u.cost_usd) FROM token_usage AS u WHERE u.prompt_version_id = s.version_id) AS cost_usd,
  (SELECT sum(u.total_tokens) FROM token_usage AS u WHERE u.prompt_version_id = s.version_id) AS tokens,
  (SELECT count(*) FROM feedback AS f WHERE f.prompt_id = s.prompt_id AND f.agent_winner = s.source) AS votes,
  (SELECT count(*) FROM feedback AS f WHERE f.prompt_id = s.prompt_id) AS votes_of
FROM scored_versions AS s
WHERE s.prompt_id = $id::UUID
ORDER BY s.competes DESC NULLS LAST, s.source NULLS LAST, s.version_no DESC NULLS LAST, s.row_id DESC
LIMIT 500
