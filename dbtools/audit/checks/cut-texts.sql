-- severity: warning
-- area: references
-- question: Which greatest length, of 200 characters or more, do five or more different texts share?
-- hint: Compare with the logs; a program or a column probably cut the texts at this length.
SELECT relation || ' of ' || text_length || ' characters' AS id, relation, text_length, texts
FROM (
  SELECT
    relation, text_length, count(DISTINCT text_key) AS texts, max(text_length) OVER (PARTITION BY relation) AS longest
  FROM (
    SELECT 'prompts' AS relation, text_length, text_key FROM prompts
    UNION ALL SELECT 'versions', text_length, text_key FROM versions
  ) AS listed
  WHERE text_length >= 200
  GROUP BY relation, text_length
) AS lengths
WHERE text_length = longest AND texts >= 5
ORDER BY relation
