-- severity: info
-- area: usage
-- question: Which models have no price in the price table?
-- hint: Their costs cannot be checked; look them up in the provider's price list.
SELECT u.model AS id, count(*) AS calls, sum(u.cost_usd) AS cost_usd
FROM token_usage AS u
WHERE u.model IS NOT NULL AND NOT EXISTS (SELECT 1 FROM prices AS p WHERE p.model = u.model)
GROUP BY u.model
ORDER BY u.model
