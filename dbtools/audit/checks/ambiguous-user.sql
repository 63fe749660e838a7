-- severity: warning
-- area: references
-- question: Which user ids mean different accounts in different databases?
-- hint: Never join rows of these databases by the user id; decide first which accounts are the right ones.
SELECT user_id AS id, count(DISTINCT account) AS accounts, min(path) AS one_database, max(path) AS another
FROM accounts
GROUP BY user_id
HAVING count(DISTINCT account) > 1
ORDER BY user_id NULLS LAST
