-- severity: warning
-- area: references
-- question: Which versions have exactly the text of their parent or their prompt?
-- hint: Do not count them as improvements; nothing was changed.
SELECT v.id, v.source, v.row_id
FROM versions AS v
LEFT JOIN versions AS parent ON parent.id = v.parent_version_id AND parent.id <> v.id
LEFT JOIN prompts AS p ON p.id = v.prompt_id
WHERE v.source NOT IN ('original', 'user_input') AND v.text_length > 0
  AND (v.text_hash = parent.text_hash OR v.text_hash = p.text_hash)
ORDER BY v.row_id
