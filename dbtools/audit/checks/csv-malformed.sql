-- severity: warning
-- area: csv
-- question: Which lines of CSV files are ragged, badly encoded or quoted, repeat the header, or begin with a byte order mark?
-- hint: Read such files with dbtools; other readers drop or shift these rows without a word.
SELECT path || ' line ' || line AS id, problem FROM csv_problems ORDER BY path, line, problem
