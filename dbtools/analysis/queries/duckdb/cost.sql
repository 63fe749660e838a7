-- What did each agent cost, win and gain, by prompt text? One row per agent and group of prompts: up to $groups texts
-- each is a group of its own, beyond that they are dealt out in the order of a hash.
-- Parameters: $provenance (real, generated, placeholder, unknown, or all), $prices (as in tokens.sql), $groups,
-- $basis (stored or recomputed costs).
-- cost: of all calls for the agent's versions, writing and judging; win: the recorded one; gained: the total of the
-- agent's last version less that of the original prompt, or without one of the parent version, on the same scale.
WITH
price AS (
  SELECT p.model, p.prompt_usd, p.completion_usd, p.valid_from::TIMESTAMP AS valid_from FROM (SELECT unnest($prices) AS p)
),
calls AS (
  SELECT t.*, v.prompt_id, v.source AS agent, regexp_replace(lower(trim(t.model)), '^groq/', '') AS model_key
  FROM token_usage AS t
  JOIN (SELECT id, row_id, prompt_id, source FROM versions) AS v ON v.id = t.prompt_version_id
  JOIN provenance AS o ON o.relation = 'versions' AND o.row_id = v.row_id
  WHERE competes(v.source) AND $provenance IN (o.provenance, 'all')
),
costs AS (
  SELECT
    c.prompt_id, c.agent,
    CASE $basis
      WHEN 'stored' THEN CASE WHEN count(c.cost_usd) = count(*) THEN sum(c.cost_usd) END
      ELSE CASE WHEN count(x.model) = count(*)
        THEN sum(c.prompt_tokens * x.prompt_usd + c.completion_tokens * x.completion_usd) / 1e6 END
    END AS cost
  FROM calls AS c ASOF LEFT JOIN price AS x ON c.model_key = x.model AND c.created_at >= x.valid_from
  GROUP BY c.prompt_id, c.agent
),
originals AS (
  SELECT prompt_id, scale, any_value(total ORDER BY version_no, row_id) AS total
  FROM scored_versions
  WHERE source IN ('original', 'user_input') AND total IS NOT NULL
  GROUP BY prompt_id, scale
),
entered AS (  -- one version per prompt and agent, as in effectiveness
  SELECT c.*, count(*) OVER (PARTITION BY c.prompt_id) AS agents
  FROM (
    FROM contests
    WHERE agent <> '' AND $provenance IN (provenance, 'all')
    QUALIFY row_number() OVER (
      PARTITION BY prompt_id, agent ORDER BY version_no DESC NULLS LAST, created_at DESC NULLS LAST, provenance
    ) = 1
  ) AS c
),
head AS (
  SELECT DISTINCT prompt_id, source AS agent
  FROM scored_versions
  WHERE is_head AND competes AND $provenance IN (provenance, 'all')
),
entries AS (
  SELECT
    c.prompt_key, c.agent, k.cost,
    CASE WHEN c.agents > 1 AND any_head.prompt_id IS NOT NULL THEN (h.agent IS NOT NULL)::INTEGER END AS win,
    CASE WHEN c.scale = 'judge' THEN c.total - coalesce(o.total, above.total) END AS gained,
    CASE WHEN c.scale = 'judge' THEN c.total END AS total
  FROM entered AS c
  LEFT JOIN head AS h ON h.prompt_id = c.prompt_id AND h.agent = c.agent
  LEFT JOIN (SELECT DISTINCT prompt_id FROM head) AS any_head ON any_head.prompt_id = c.prompt_id
  JOIN costs AS k ON k.prompt_id = c.prompt_id AND k.agent = c.agent AND k.cost IS NOT NULL
  JOIN (SELECT id, parent_version_id FROM versions) AS v ON v.id = c.version_id
  LEFT JOIN originals AS o ON o.prompt_id = c.prompt_id AND o.scale = c.scale
  LEFT JOIN scored_versions AS above ON above.version_id = v.parent_version_id AND above.scale = c.scale
),
dealt AS (
  SELECT *, (dense_rank() OVER (ORDER BY md5(prompt_key::VARCHAR)) - 1) % $groups AS part FROM entries
)
SELECT
  agent, part::INTEGER AS part, count(*) AS prompts, sum(cost) AS cost,
  count(win) AS contests, coalesce(sum(cost) FILTER (win IS NOT NULL), 0) AS cost_of_contests, coalesce(sum(win), 0) AS wins,
  count(gained) AS gains, coalesce(sum(cost) FILTER (gained IS NOT NULL), 0) AS cost_of_gains,
  coalesce(sum(gained), 0) AS gained,
  count(total) AS scored, coalesce(sum(total), 0) AS total
FROM dealt
GROUP BY agent, part
ORDER BY agent, part
