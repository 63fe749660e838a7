-- When was each row written, of whatever relation? One row per row; moment is NULL where its time cannot be read.
-- (No parameters.)
SELECT 'prompts' AS relation, row_id, created_at AS moment FROM prompts
UNION ALL SELECT 'versions', row_id, created_at FROM versions
UNION ALL SELECT 'scores', row_id, created_at FROM scores
UNION ALL SELECT 'heads', row_id, updated_at FROM heads
UNION ALL SELECT 'feedback', row_id, created_at FROM feedback
UNION ALL SELECT 'token_usage', row_id, created_at FROM token_usage
UNION ALL SELECT 'security_inputs', row_id, created_at FROM security_inputs
