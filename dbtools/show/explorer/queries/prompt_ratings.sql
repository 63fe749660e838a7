-- How many blind ratings has each version of a prompt, and how many did it win? One row per version. Parameter: $id.
SELECT version_id::VARCHAR AS version_id, count(*) AS ratings, sum(won) AS won
FROM (
  SELECT left_version_id AS version_id, CASE choice WHEN 'left' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END AS won
  FROM ratings
  WHERE prompt_id = $id::UUID AND choice <> 'skip'
  UNION ALL
  SELECT right_version_id, CASE choice WHEN 'right' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END
  FROM ratings
  WHERE prompt_id = $id::UUID AND choice <> 'skip'
)
GROUP BY version_id
ORDER BY version_id
