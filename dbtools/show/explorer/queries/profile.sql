-- What do the columns of a selection hold? One row of counts. (The selection takes the place of the word in braces.)
SELECT
  count(*) AS rows, histogram(coalesce(source, '(none)')) AS source, histogram(coalesce(scale, '(none)')) AS scale,
  histogram(coalesce(provenance, '(none)')) AS provenance, histogram(least(floor(total / 5) * 5, 45)) AS total,
  count(total) AS scored, min(text_length) AS shortest, max(text_length) AS longest, min(created_at) AS first_time,
  max(created_at) AS last_time, count(DISTINCT version_no) AS numbers, count(*) FILTER (is_head) AS heads,
  count(DISTINCT prompt_id) AS prompts
FROM ({chosen})
ORDER BY rows
