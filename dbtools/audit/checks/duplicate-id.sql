-- severity: error
-- area: references
-- question: Which ids occur several times in one table, however they are spelled?
-- hint: Find out which row the others refer to, and give the rest new ids.
SELECT relation || ' ' || cell AS id, rows
FROM (
  SELECT relation, id AS cell, count(*) AS rows
  FROM id_cells
  WHERE column_name = CASE relation WHEN 'heads' THEN 'prompt_id' ELSE 'id' END
  GROUP BY relation, id
) AS cells
WHERE rows > 1
ORDER BY relation, cell
