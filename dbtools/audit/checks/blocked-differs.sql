-- severity: error
-- area: usage
-- question: Which checked inputs were let through or blocked contrary to their risk score or label?
-- hint: Look at them one by one; the analyzer blocks from a risk score of 80 on.
SELECT id, risk_score, label, is_blocked, row_id
FROM security_inputs
WHERE is_blocked <> (risk_score >= 80) OR (label = 'blocked' AND NOT is_blocked)
ORDER BY row_id
