-- severity: warning
-- area: provenance
-- question: Which versions are the placeholder of an agent's failed run ("Unable to parse response")?
-- hint: Leave them out of conclusions; the agent had nothing to say, and its 5.0 is no mark.
SELECT id, source, row_id FROM versions WHERE agent_failed ORDER BY row_id
