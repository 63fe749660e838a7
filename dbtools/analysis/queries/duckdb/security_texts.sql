-- Which checked inputs have the highest risk? One row per input.
-- Parameters: $provenance (real, generated, or all; by the user id), $rows.
SELECT label, risk_score, is_blocked, created_at, left(input_text, 10000) AS text
FROM security_inputs
WHERE $provenance IN (CASE WHEN test_user THEN 'generated' ELSE 'real' END, 'all')
ORDER BY risk_score DESC NULLS LAST, created_at, row_id
LIMIT $rows
