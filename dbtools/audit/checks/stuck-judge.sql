-- severity: warning
-- area: scores
-- question: Which scores are the first of 20 or more in a row with the same values in all five dimensions?
-- hint: The judge returned the same answer whatever the text was; dbtools leaves the whole row out of comparisons.
SELECT id, since, until, scores, row_id FROM judge_regimes WHERE regime = 'stuck' AND nth = 1 ORDER BY since NULLS LAST, row_id
