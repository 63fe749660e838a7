-- Which versions has each of the prompts with the most versions? One row per version, the largest prompt first.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all), $prompt_id (NULL: all prompts), $prompts and
-- $versions (at most so many; the first prompt is there whole whatever its size).
-- score: points per dimension on the version's own scale; prompts: how many there are, listed or not.
WITH
chosen AS (
  SELECT *
  FROM scored_versions
  WHERE ($provenance = 'all' OR provenance = $provenance) AND ($prompt_id IS NULL OR prompt_id = $prompt_id)
),
sizes AS (SELECT prompt_id, count(*) AS versions FROM chosen GROUP BY prompt_id),
ranked AS (
  SELECT prompt_id, row_number() OVER largest AS place, sum(versions) OVER largest AS so_far, count(*) OVER () AS prompts
  FROM sizes
  WINDOW largest AS (ORDER BY versions DESC, prompt_id NULLS LAST ROWS UNBOUNDED PRECEDING)
)
SELECT
  c.prompt_id || '' AS prompt_id, c.version_id || '' AS version_id, c.parent_version_id || '' AS parent_version_id,
  c.version_no, c.source, c.created_at, c.scale,
  CASE WHEN c.total IS NOT NULL THEN c.raw_total / 5e0 END AS score, c.total,
  coalesce(c.change_type, 'unknown') AS change_type, c.change_magnitude, r.prompts
FROM chosen AS c JOIN ranked AS r ON r.prompt_id = c.prompt_id
WHERE r.place = 1 OR (r.place <= $prompts AND r.so_far <= $versions)
ORDER BY r.place, c.version_no NULLS LAST, c.created_at NULLS LAST, c.row_id
