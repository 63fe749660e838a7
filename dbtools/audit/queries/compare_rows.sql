-- Which rows of a relation were added, removed or changed, and in which columns? (A working table of `compare`.)
CREATE OR REPLACE TEMP TABLE changed_{relation} AS
WITH
  earlier AS (SELECT {key} AS id, {nth_before} AS nth, TRUE AS there, {hashes} FROM {before}.main.{relation}),
  later AS (SELECT {key} AS id, {nth_after} AS nth, TRUE AS there, {hashes} FROM {after}.main.{relation})
SELECT
  coalesce(earlier.id, later.id) AS id,
  CASE WHEN earlier.there IS NULL THEN 'added' WHEN later.there IS NULL THEN 'removed' ELSE 'changed' END AS kind,
  CASE WHEN earlier.there AND later.there THEN list_filter([{names}], name -> name IS NOT NULL) ELSE [] END AS columns
FROM earlier
FULL JOIN later ON earlier.id IS NOT DISTINCT FROM later.id AND earlier.nth = later.nth
WHERE earlier.there IS NULL OR later.there IS NULL OR {differs}
