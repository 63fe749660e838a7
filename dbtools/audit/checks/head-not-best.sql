-- severity: warning
-- area: scores
-- question: Which heads are not the best-scored version among the competing agents of their prompt?
-- hint: Compare recorded wins with wins by score; the application did not choose the version with the highest score.
SELECT s.prompt_id AS id, s.version_id, s.source, s.total, max(other.total) AS best_total
FROM scored AS s
JOIN scored AS other ON other.prompt_id = s.prompt_id AND other.scale = s.scale AND other.competes
WHERE s.is_head
GROUP BY s.prompt_id, s.version_id, s.source, s.total
HAVING s.total < max(other.total)
ORDER BY s.prompt_id NULLS LAST, s.version_id NULLS LAST
