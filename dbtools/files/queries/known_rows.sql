-- Which rows of a CSV file are known, and which of them say no more than the database does? A row is known where the
-- database gives its id, agent and prompt the same texts or scores.
-- Reads: csv_rows (row, key, scores, more: whether it has cells that no column of the database can have; its cells c0, c1 …
-- and those without an export's apostrophe b0, b1 …; blank cells are NULL).
-- The braces stand for one of the queries facts_….sql and for the comparisons of the columns of the file. (No parameters.)
WITH
facts AS ({facts}),
compared AS (
  SELECT r.row, {known} AS known, NOT r.more AND {complete} AS complete
  FROM csv_rows AS r JOIN facts AS f ON f.key = r.key
)
SELECT row, bool_or(complete) AS complete
FROM compared
WHERE known
GROUP BY row
ORDER BY row
