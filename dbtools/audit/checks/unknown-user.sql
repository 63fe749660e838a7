-- severity: warning
-- area: references
-- question: Which rows name a user that has no account in the auth database?
-- hint: Check whether the account was deleted, or whether the database belongs to another installation.
-- optional: feedback, security_inputs
SELECT r.relation || ' row ' || r.row_id AS id, r.relation, r.user_id, r.row_id
FROM (
  SELECT 'prompts' AS relation, user_id, row_id FROM prompts
  UNION ALL SELECT 'feedback', user_id, row_id FROM feedback
  UNION ALL SELECT 'security_inputs', user_id, row_id FROM security_inputs
) AS r
JOIN unknown_users AS u ON u.user_id = r.user_id
WHERE r.user_id NOT IN ('', 'anonymous')
ORDER BY r.relation, r.row_id
