-- severity: info
-- area: provenance
-- question: Which prompt texts were asked several times, up to case and white space?
-- hint: Count such prompts as one in statistics; samples and demonstrations repeat their texts.
SELECT id, prompts
FROM (SELECT min(id) AS id, count(*) AS prompts FROM prompts GROUP BY text_key) AS texts
WHERE prompts > 1
ORDER BY prompts DESC, id NULLS LAST
