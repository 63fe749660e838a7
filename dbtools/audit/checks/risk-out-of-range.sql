-- severity: error
-- area: usage
-- question: Which checked inputs have a risk score outside 0–100?
-- hint: Leave them out of distributions; the analyzer caps its score.
SELECT id, risk_score, row_id FROM security_inputs WHERE risk_score NOT BETWEEN 0 AND 100 ORDER BY row_id
