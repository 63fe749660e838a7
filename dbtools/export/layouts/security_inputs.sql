-- Which inputs were checked, and how risky were they? One row per input. (No parameters.)
SELECT id, user_id, input_text, risk_score, label, is_blocked, analysis_metadata, created_at
FROM security_inputs
ORDER BY created_at, id, row_id
