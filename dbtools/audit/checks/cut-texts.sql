-- severity: warning
-- area: references
-- question: Which greatest length, of 80 characters or more, do five or more different texts share, most without an end?
-- hint: Compare with the logs; a program or a column probably cut the texts at this length.
-- needs: prompts.original_text, versions.text
SELECT
  relation || coalesce(' by ' || writer, '') || ' of ' || text_length || ' characters' AS id, relation, text_length, texts
FROM (
  SELECT
    relation, writer, text_length, count(DISTINCT text_key) AS texts, avg(is_open) AS open_share,
    max(text_length) OVER (PARTITION BY relation, writer) AS longest_by, max(text_length) OVER (PARTITION BY relation) AS longest
  FROM (
    SELECT
      relation, writer, text_length, text_key,
      -- A program that cuts may leave an ellipsis.
      CASE WHEN ending NOT LIKE '%...' AND regexp_matches(ending, '[.!?:;)}\]>"''”»。！？`|]\s*$') THEN 0 ELSE 1 END AS is_open
    FROM (
      SELECT 'prompts' AS relation, NULL AS writer, text_length, text_key, right(original_text, 4) AS ending FROM prompts
      UNION ALL SELECT 'versions', NULL, text_length, text_key, right(text, 4) FROM versions
      UNION ALL SELECT 'versions', source, text_length, text_key, right(text, 4) FROM versions WHERE source IS NOT NULL
    ) AS listed
    WHERE text_length >= 80
  ) AS endings
  GROUP BY relation, writer, text_length
) AS lengths
WHERE texts >= 5 AND open_share >= 0.7 AND text_length = CASE WHEN writer IS NULL THEN longest ELSE longest_by END
  AND (writer IS NULL OR text_length < longest)
ORDER BY relation, writer NULLS FIRST
