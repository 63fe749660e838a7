-- severity: warning
-- area: references
-- question: Which versions have a change type that the application does not know?
-- hint: Read it as "other"; known are structure, wording, length and other.
-- needs: versions.change_type
SELECT id, change_type, row_id
FROM versions
WHERE change_type NOT IN ('structure', 'wording', 'length', 'other')
ORDER BY row_id
