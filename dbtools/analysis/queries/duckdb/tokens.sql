-- How many tokens were used and what did they cost, by agent, model, day and user? One row per group; $rows groups of a
-- kind at most, what is beyond them is one row "(others)"; the kind "all" is everything.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all), $prices (model, prompt_usd, completion_usd per
-- million tokens, valid_from), $rows. A user id that is an e-mail address is shown as a short hash of it.
-- costed: calls with a stored cost; priced: calls whose cost can be recomputed; differing: stored and recomputed are more
-- than 1% apart.
WITH
price AS (
  SELECT p.model, p.prompt_usd, p.completion_usd, p.valid_from::TIMESTAMP AS valid_from FROM (SELECT unnest($prices) AS p)
),
calls AS (
  SELECT t.*, v.source, p.user_id, regexp_replace(lower(trim(t.model)), '^groq/', '') AS model_key
  FROM token_usage AS t
  LEFT JOIN versions AS v ON v.id = t.prompt_version_id
  LEFT JOIN provenance AS o ON o.relation = 'versions' AND o.row_id = v.row_id
  LEFT JOIN prompts AS p ON p.id = v.prompt_id
  WHERE $provenance IN (coalesce(o.provenance, 'unknown'), 'all')
),
priced AS (
  SELECT
    c.*, coalesce(c.total_tokens, c.prompt_tokens + c.completion_tokens) AS tokens,
    (c.prompt_tokens * x.prompt_usd + c.completion_tokens * x.completion_usd) / 1e6 AS recomputed
  FROM calls AS c ASOF LEFT JOIN price AS x ON c.model_key = x.model AND c.created_at >= x.valid_from
),
each AS (
  SELECT
    *,
    unnest([
      {'kind': 'all', 'name': 'all'},
      {'kind': 'agent', 'name': coalesce(source, '(no version)')},
      {'kind': 'model', 'name': coalesce(model, '(none)')},
      {'kind': 'day', 'name': coalesce(strftime(created_at, '%Y-%m-%d'), '(none)')},
      {'kind': 'user', 'name': CASE WHEN contains(user_id, '@') THEN 'e-mail ' || left(md5(user_id), 8)
        ELSE coalesce(user_id, '(none)') END}
    ]) AS place
  FROM priced
),
grouped AS (
  SELECT
    place.kind AS kind, place.name AS name, count(*) AS calls, sum(prompt_tokens) AS prompt_tokens,
    sum(completion_tokens) AS completion_tokens, sum(tokens) AS total_tokens, sum(cost_usd) AS cost_usd,
    count(cost_usd) AS costed, sum(recomputed) AS recomputed_usd, count(recomputed) AS priced,
    count(*) FILTER (abs(cost_usd - recomputed) > greatest(0.01 * recomputed, 1e-7)) AS differing
  FROM each
  GROUP BY place
),
ranked AS (
  SELECT
    * REPLACE (CASE WHEN row_number() OVER (PARTITION BY kind ORDER BY total_tokens DESC NULLS LAST, name) <= $rows
      THEN name ELSE '(others)' END AS name)
  FROM grouped
)
SELECT
  kind, name, sum(calls)::BIGINT AS calls, sum(prompt_tokens)::BIGINT AS prompt_tokens,
  sum(completion_tokens)::BIGINT AS completion_tokens, sum(total_tokens)::BIGINT AS total_tokens,
  round(sum(cost_usd), 12) AS cost_usd, sum(costed)::BIGINT AS costed,
  round(sum(recomputed_usd), 12) AS recomputed_usd, -- a sum depends on the order of its rows in the last digits
  sum(priced)::BIGINT AS priced, sum(differing)::BIGINT AS differing
FROM ranked
GROUP BY kind, name
ORDER BY list_position(['all', 'agent', 'model', 'day', 'user'], kind), CASE kind WHEN 'day' THEN name END,
  total_tokens DESC NULLS LAST, name
