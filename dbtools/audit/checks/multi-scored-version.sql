-- severity: warning
-- area: scores
-- question: Which versions have several scores?
-- hint: dbtools takes the newest; a plain join counts such versions several times.
SELECT prompt_version_id AS id, count(*) AS scores
FROM scores
WHERE prompt_version_id IS NOT NULL
GROUP BY prompt_version_id
HAVING count(*) > 1
ORDER BY prompt_version_id NULLS LAST
