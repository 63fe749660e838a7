-- severity: info
-- area: scores
-- question: Which heads have a lower stored total than some version of their prompt, of whatever source and scale?
-- hint: Look at head-not-best first; totals of different scales do not compare, though the application compares them.
SELECT s.prompt_id AS id, s.version_id, s.source, s.raw_total, max(other.raw_total) AS best_raw_total
FROM scored AS s JOIN scored AS other ON other.prompt_id = s.prompt_id
WHERE s.is_head
GROUP BY s.prompt_id, s.version_id, s.source, s.raw_total
HAVING s.raw_total < max(other.raw_total)
ORDER BY s.prompt_id NULLS LAST, s.version_id NULLS LAST
