-- By how much do two agents differ in each prompt text? One row per pair and text, of pairs with up to $limit texts.
-- Reads the working table clusters. Parameters: $limit.
SELECT c.a, c.b, c.s, c.n
FROM clusters AS c
JOIN (SELECT a, b FROM clusters GROUP BY a, b HAVING count(*) <= $limit) AS few ON few.a = c.a AND few.b = c.b
ORDER BY c.a, c.b, c.cluster NULLS LAST
