-- What would the application itself count of each source: versions, how many are the recorded head, the mean sum of scores?
-- As its loop does: every version counts, whatever its source, scale and provenance; of several scores the first stored.
-- (No parameters.)
SELECT
  source, count(*) AS versions, cast(coalesce(sum(heads), 0) AS BIGINT) AS wins,
  1e0 * coalesce(sum(heads), 0) / count(*) AS win_rate, count(total) AS scored, avg(total) AS mean_total
FROM facts
GROUP BY source
ORDER BY source NULLS LAST
