-- What would the application itself count of each source: versions, how many are the recorded head, the mean sum of scores?
-- As its loop does: every version counts, whatever its source, scale and provenance; of several scores the first stored.
-- (No parameters.)
WITH
head_counts AS (
  SELECT prompt_id, prompt_version_id, count(*) AS heads FROM heads GROUP BY prompt_id, prompt_version_id
),
first_scores AS (
  SELECT prompt_version_id, total
  FROM (
    SELECT prompt_version_id, total, row_number() OVER (PARTITION BY prompt_version_id ORDER BY row_id) AS place
    FROM scores
  ) AS stored
  WHERE place = 1
)
SELECT
  v.source, count(*) AS versions, cast(coalesce(sum(h.heads), 0) AS BIGINT) AS wins,
  1e0 * coalesce(sum(h.heads), 0) / count(*) AS win_rate, count(s.total) AS scored, avg(s.total) AS mean_total
FROM versions AS v
LEFT JOIN head_counts AS h ON h.prompt_version_id = v.id AND h.prompt_id = v.prompt_id
LEFT JOIN first_scores AS s ON s.prompt_version_id = v.id
GROUP BY v.source
ORDER BY v.source NULLS LAST
