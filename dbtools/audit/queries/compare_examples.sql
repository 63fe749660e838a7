-- Which rows are examples of what was added, removed and changed in a relation?
SELECT id, kind, columns FROM changed_{relation}
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY id) <= {limit}
ORDER BY kind, id
