-- severity: warning
-- area: usage
-- question: Which checked inputs have a label that does not fit their risk score?
-- hint: Trust the score; the analyzer says safe up to 20, low-risk up to 40, medium-risk up to 70, then high-risk.
SELECT id, risk_score, label, row_id
FROM security_inputs
WHERE NOT (label = 'blocked' AND is_blocked) AND risk_score BETWEEN 0 AND 100
  AND label IS DISTINCT FROM CASE
    WHEN risk_score <= 20 THEN 'safe' WHEN risk_score <= 40 THEN 'low-risk' WHEN risk_score <= 70 THEN 'medium-risk'
    ELSE 'high-risk'
  END
ORDER BY row_id
