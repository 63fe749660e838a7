-- severity: error
-- area: references
-- question: Which prompts have several versions of the same number?
-- hint: Number the versions of these prompts anew; "the latest version" is ambiguous there.
SELECT prompt_id || ' no. ' || version_no AS id, prompt_id, version_no, count(*) AS versions
FROM versions
WHERE prompt_id IS NOT NULL AND version_no IS NOT NULL
GROUP BY prompt_id, version_no
HAVING count(*) > 1
ORDER BY prompt_id NULLS LAST, version_no NULLS LAST
