-- severity: warning
-- area: references
-- question: Which prompts lack a version number between 1 and their last?
-- hint: Look for the missing versions in backups and logs; they were deleted or never written.
SELECT prompt_id AS id, last_no, numbers, missing
FROM (
  SELECT
    prompt_id, max(version_no) AS last_no, count(DISTINCT version_no) AS numbers,
    cast(max(version_no) AS DECIMAL(38, 0)) - least(min(version_no), 1) + 1 - count(DISTINCT version_no) AS missing
  FROM versions
  WHERE prompt_id IS NOT NULL AND version_no IS NOT NULL
  GROUP BY prompt_id
) AS numbered
WHERE missing > 0
ORDER BY prompt_id NULLS LAST
