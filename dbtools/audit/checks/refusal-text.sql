-- severity: warning
-- area: provenance
-- question: Which versions are a refusal of the model instead of a prompt ("I'm sorry, but I can't help …")?
-- hint: Leave them out of conclusions; the model did not answer.
-- needs: versions.text
SELECT id, source, row_id
FROM versions
WHERE source NOT IN ('original', 'user_input') AND is_refusal(text)
ORDER BY row_id
