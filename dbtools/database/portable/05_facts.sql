-- Which agent wrote each version, how many heads name it, and what marks has it? The same as
-- views/05_facts.sql, for servers; DuckDB has its own because arg_min takes a tenth of the time of a window there. (No parameters.)
SELECT v.row_id, v.source, h.times AS heads, h.head, s.total
FROM versions AS v
LEFT JOIN (
  SELECT prompt_id, prompt_version_id, count(*) AS times, min(row_id) AS head FROM heads GROUP BY prompt_id, prompt_version_id
) AS h ON h.prompt_version_id = v.id AND h.prompt_id = v.prompt_id
LEFT JOIN (
  SELECT prompt_version_id, total
  FROM (
    SELECT prompt_version_id, total, row_number() OVER (PARTITION BY prompt_version_id ORDER BY row_id) AS place
    FROM scores
  ) AS stored
  WHERE place = 1
) AS s ON s.prompt_version_id = v.id
