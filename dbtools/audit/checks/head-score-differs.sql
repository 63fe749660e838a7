-- severity: warning
-- area: scores
-- question: Which heads store a score that differs from the total of their version?
-- hint: Trust the version's own score; the stored one is out of date or a constant.
SELECT h.prompt_id AS id, h.score AS stored, s.raw_total AS total
FROM heads AS h JOIN scored AS s ON s.version_id = h.prompt_version_id
WHERE abs(h.score - s.raw_total) > 1e-6
ORDER BY h.prompt_id NULLS LAST, s.raw_total NULLS LAST
