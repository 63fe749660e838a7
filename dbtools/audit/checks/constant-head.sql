-- severity: warning
-- area: provenance
-- question: Do all heads, five or more, store the same score?
-- hint: Do not use the stored scores; a program wrote the same number everywhere.
SELECT prompt_id AS id, score, row_id
FROM (
  SELECT
    prompt_id, score, row_id, count(*) OVER () AS heads, count(score) OVER () AS scored, min(score) OVER () AS lowest,
    max(score) OVER () AS highest
  FROM heads
) AS compared
WHERE heads >= 5 AND lowest = highest AND scored = heads
ORDER BY row_id
