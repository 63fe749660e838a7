-- severity: warning
-- area: provenance
-- question: Which versions are the placeholder of an agent's failed run ("Unable to parse response", or its input)?
-- hint: Leave them out of conclusions; the agent failed, and the 5.0 was not given by a judge.
SELECT v.id, v.source, v.row_id
FROM versions AS v JOIN row_provenance AS r ON r.relation = 'versions' AND r.row_id = v.row_id
WHERE v.agent_failed OR (r.failed AND NOT coalesce(v.text_error, false))
ORDER BY v.row_id
