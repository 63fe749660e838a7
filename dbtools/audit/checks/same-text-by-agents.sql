-- severity: warning
-- area: scores
-- question: In which prompts did two agents or more write exactly the same text?
-- hint: Count no win there; whatever their scores say, the answers are the same.
SELECT v.prompt_id || ' ' || min(v.source) || ' ' || max(v.source) AS id, v.prompt_id, count(DISTINCT v.source) AS agents
FROM versions AS v JOIN prompts AS p ON p.id = v.prompt_id
WHERE v.competes AND v.text_length > 0 AND v.text_hash <> p.text_hash
GROUP BY v.prompt_id, v.text_hash
HAVING count(DISTINCT v.source) > 1
ORDER BY id NULLS LAST
