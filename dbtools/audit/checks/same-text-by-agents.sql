-- severity: warning
-- area: scores
-- question: In which prompts did two agents or more write the same text, up to case and white space?
-- hint: Count no win there; whatever their scores say, the answers are the same.
SELECT v.prompt_id || ' ' || min(v.source) || ' ' || max(v.source) AS id, v.prompt_id, count(DISTINCT v.source) AS agents
FROM versions AS v JOIN prompts AS p ON p.id = v.prompt_id
WHERE v.competes AND v.text_length > 0 AND v.text_key <> p.text_key
GROUP BY v.prompt_id, v.text_key
HAVING count(DISTINCT v.source) > 1
ORDER BY id NULLS LAST
