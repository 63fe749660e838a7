-- What would the application itself count of each source: versions, how many are the recorded head, the mean sum of marks?
-- As its loop does: every version counts, whatever its source, scale and provenance; of several scores the first stored.
-- (No parameters.)
WITH
first_scores AS (
  SELECT prompt_version_id, total
  FROM scores
  QUALIFY row_number() OVER (PARTITION BY prompt_version_id ORDER BY row_id) = 1
)
SELECT
  v.source, count(*) AS versions, count(h.prompt_id) AS wins, count(h.prompt_id) / count(*) AS win_rate,
  count(s.total) AS scored, avg(s.total) AS mean_total
FROM versions AS v
LEFT JOIN heads AS h ON h.prompt_id = v.prompt_id AND h.prompt_version_id = v.id
LEFT JOIN first_scores AS s ON s.prompt_version_id = v.id
GROUP BY v.source
ORDER BY v.source
