-- severity: warning
-- area: references
-- question: Which versions store another type of change than their text and their parent's show?
-- hint: Do not draw conclusions from the stored change types; recompute them from the texts.
-- needs: versions.change_type
SELECT v.id, v.change_type AS stored, c.change_type AS computed, c.row_id
FROM changes AS c JOIN versions AS v ON v.row_id = c.row_id
WHERE v.change_type <> c.change_type
ORDER BY c.row_id
