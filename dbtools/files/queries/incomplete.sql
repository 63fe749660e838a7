-- Which rows of a CSV file hold a cell that the database does not have with the row of the same id?
-- Reads: csv_rows (row, id, scores), csv_cells (row, name, value: every cell that is neither blank, nor the id, nor one of
-- the layout's texts). A row whose id is unknown has its cells nowhere.
-- Parameters: owner (what the id names: versions, scores or prompts).
WITH
numbered AS (
  SELECT *, row_number() OVER () AS n
  FROM log_facts($owner) AS f SEMI JOIN csv_rows AS r ON r.id = f.id
),
compared AS (
  SELECT r.row, f.n, bool_and(same_cell(x.name, x.value, f)) AS same
  FROM csv_rows AS r
  JOIN numbered AS f ON f.id = r.id AND (f.scores IS NULL OR f.scores = r.scores)
  JOIN csv_cells AS x ON x.row = r.row
  GROUP BY r.row, f.n
)
SELECT DISTINCT x.row
FROM csv_cells AS x ANTI JOIN (SELECT row FROM compared WHERE same) AS s ON s.row = x.row
ORDER BY x.row
