-- Which rows of a CSV file does the database hold, and which of them say no more than it does? A row is held where the
-- database gives its id, agent and prompt the same texts or scores.
-- Reads: csv_rows (row, key, scores, more: whether it has cells that no column of the database can have; its cells c0, c1 …
-- and those without an export's apostrophe b0, b1 …; blank cells are NULL).
-- The braces stand for one of the queries facts_….sql and for the comparisons of the columns of the file. (No parameters.)
WITH
facts AS ({facts}),
compared AS (
  SELECT r.row, {held} AS held, NOT r.more AND {complete} AS complete
  FROM csv_rows AS r JOIN facts AS f ON f.key = r.key
)
SELECT row, bool_or(complete) AS complete
FROM compared
WHERE held
GROUP BY row
ORDER BY row
