-- severity: warning
-- area: csv
-- question: Which votes in the multi-agent log are not score times confidence?
-- hint: Trust neither number; the coordinator weighs a score by the agent's confidence.
SELECT path || ' line ' || line || ' ' || agent AS id, path, line, agent, score, confidence, vote
FROM csv_votes
WHERE abs(vote - score * confidence) > 1e-6
ORDER BY path, line, agent
