-- What were the texts before and after each change that names its type? Pairs of texts are compared in the order of the
-- work, the product of their lengths, until its sum exceeds `most_work`: from then on both texts are NULL.
-- Parameters: most_work. (Needs the long texts.)
SELECT
  row_id, CASE WHEN work_so_far <= $most_work THEN before END AS before,
  CASE WHEN work_so_far <= $most_work THEN after END AS after
FROM (
  SELECT
    c.row_id, p.text AS before, c.text AS after,
    sum(cast(c.text_length AS DOUBLE) * p.text_length) OVER (
      ORDER BY cast(c.text_length AS DOUBLE) * p.text_length, c.row_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS work_so_far
  FROM versions AS c JOIN versions AS p ON p.id = c.parent_version_id
  WHERE c.change_type IN ('structure', 'length', 'wording') AND c.text IS NOT NULL AND p.text IS NOT NULL
) AS pairs
ORDER BY row_id
