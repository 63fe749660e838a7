-- severity: warning
-- area: provenance
-- question: Which versions are the placeholder of an agent's failed run ("Unable to parse response")?
-- hint: Leave them out of conclusions; the agent failed, and the 5.0 was not given by a judge.
SELECT id, source, row_id FROM versions WHERE agent_failed ORDER BY row_id
