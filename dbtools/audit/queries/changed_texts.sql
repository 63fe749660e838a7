-- What were the texts before and after each change that names its type? (No parameters; needs the long texts.)
SELECT c.row_id, p.text AS before, c.text AS after
FROM versions AS c JOIN versions AS p ON p.id = c.parent_version_id
WHERE c.change_type IN ('structure', 'length', 'wording') AND c.text IS NOT NULL AND p.text IS NOT NULL
ORDER BY c.row_id
