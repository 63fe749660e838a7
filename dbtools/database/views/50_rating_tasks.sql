-- Which two real versions of a prompt, by two agents, can be compared blind? One row per pair and order of the sides; of an
-- agent's versions the last. Pairs of equal texts, and those that lack a text, are left out.
-- task: a digest from which nobody can tell the versions; side_order: ab where the agent whose name sorts first is on the left.
-- (No parameters.)
CREATE VIEW internal.rating_tasks AS
WITH
usable AS (
  SELECT DISTINCT ON (e.prompt_id, e.source) e.prompt_id, e.source, e.version_id, v.text_hash, v.row_id
  FROM contest_entries AS e
  JOIN versions AS v ON v.id = e.version_id AND v.prompt_id = e.prompt_id
  JOIN prompts AS p ON p.id = e.prompt_id
  WHERE e.provenance = 'real' AND e.competes AND e.source <> '' AND v.text_length > 0 AND p.text_length > 0
  ORDER BY v.row_id
)
SELECT
  md5(concat_ws(' ', 'rating task', x.prompt_id, x.version_id, y.version_id)) AS task, x.prompt_id,
  x.version_id AS left_version_id, y.version_id AS right_version_id,
  CASE WHEN x.source < y.source THEN 'ab' ELSE 'ba' END AS side_order, x.row_id
FROM usable AS x JOIN usable AS y ON y.prompt_id = x.prompt_id AND y.source <> x.source AND y.text_hash <> x.text_hash;
