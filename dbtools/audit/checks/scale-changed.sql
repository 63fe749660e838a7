-- severity: warning
-- area: scores
-- question: Which scores are the first of 10 or more in a row within 0–1, where the judge's other scores go beyond?
-- hint: The judge was changed from a scale of 0–10 to one of 0–1; dbtools compares each of the two by itself.
SELECT id, since, until, scores, row_id FROM judge_regimes WHERE regime = 'unit' AND nth = 1 ORDER BY since NULLS LAST, row_id
