-- Which agent wrote each version, how many heads name it, and what marks has it? One row per version, of all of them.
-- heads: NULL for none; head: the head's row; total: the sum of the five marks, on whatever scale they are stored, of the
-- score that was stored first. (No parameters.)
CREATE VIEW internal.facts AS
SELECT v.row_id, v.source, h.times AS heads, h.head, s.total
FROM versions AS v
LEFT JOIN (
  SELECT prompt_id, prompt_version_id, count(*) AS times, min(row_id) AS head FROM heads GROUP BY prompt_id, prompt_version_id
) AS h ON h.prompt_version_id = v.id AND h.prompt_id = v.prompt_id
LEFT JOIN (
  SELECT prompt_version_id, arg_min_null(total, row_id) AS total FROM scores GROUP BY prompt_version_id
) AS s ON s.prompt_version_id = v.id;
