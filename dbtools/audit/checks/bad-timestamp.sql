-- severity: error
-- area: references
-- question: Which rows have no timestamp that can be read?
-- hint: Repair them in the application; an order by time leaves them out.
-- needs: prompts.created_at, versions.created_at, scores.created_at, heads.updated_at
SELECT relation || ' row ' || row_id AS id, relation, row_id
FROM row_timestamps
WHERE moment IS NULL
ORDER BY relation, row_id
