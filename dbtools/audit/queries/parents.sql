-- Which version was made from which other one, as numbers from 1 on? Of rows with the same id the first stands for all.
-- (No parameters.)
WITH numbered AS (
  SELECT id, row_id, parent_version_id, row_number() OVER (ORDER BY row_id) AS n
  FROM (
    SELECT id, row_id, parent_version_id, row_number() OVER (PARTITION BY id ORDER BY row_id) AS nth
    FROM versions
    WHERE id IS NOT NULL
  ) AS spelled
  WHERE nth = 1
)
SELECT c.n AS child, p.n AS parent, c.row_id
FROM numbered AS c JOIN numbered AS p ON p.id = c.parent_version_id AND p.id <> c.id
ORDER BY c.n
