-- With which version does each source enter each contest? One row per prompt, provenance and source, whether it competes or
-- not: of several such versions the last.
-- contest: a prompt's versions of one provenance, by number; cluster: prompts of the same normalised text, by number;
-- turn: 1 = written first in its contest; repeated: whether other contests have the same text; selected: whether the application's own selection
-- (explanation.selected_agent of the last version that has one) names the source, NULL without one; times: how many of
-- the users' choices do. (No parameters.)
WITH
latest AS (
  SELECT *
  FROM (
    SELECT
      prompt_id, source, competes, version_id, version_no, created_at, provenance, scale, total, clarity, specificity,
      actionability, structure, context_use, text_length,
      max(CASE WHEN is_head THEN 1 ELSE 0 END) OVER (PARTITION BY prompt_id, source, provenance) AS has_head,
      row_number() OVER (
        PARTITION BY prompt_id, source, provenance
        ORDER BY version_no DESC NULLS LAST, created_at DESC NULLS LAST, row_id DESC
      ) AS place
    FROM scored_versions
    WHERE source IS NOT NULL
  ) AS ranked
  WHERE place = 1
),
selections AS (
  SELECT prompt_id, selected_agent AS agent
  FROM (
    SELECT
      prompt_id, selected_agent,
      row_number() OVER (
        PARTITION BY prompt_id ORDER BY version_no DESC NULLS LAST, created_at DESC NULLS LAST, row_id DESC
      ) AS place
    FROM versions
    WHERE selected_agent IS NOT NULL
  ) AS ranked
  WHERE place = 1
),
choices AS (
  SELECT coalesce(f.prompt_id, p.id) AS prompt_id, f.agent_winner AS agent, count(*) AS times
  FROM feedback AS f LEFT JOIN prompts AS p ON f.prompt_id IS NULL AND p.request_id = f.request_id
  WHERE f.user_choice = 'multi'
  GROUP BY coalesce(f.prompt_id, p.id), f.agent_winner
),
found AS (  -- one narrow row per contest, as an engine of many machines numbers all of them on one
  SELECT
    prompt_id, provenance, prompt_key,
    cast(row_number() OVER (ORDER BY prompt_id NULLS LAST, provenance) AS INTEGER) AS contest,
    cast(dense_rank() OVER (ORDER BY same NULLS LAST) AS INTEGER) AS cluster
  FROM (
    SELECT c.prompt_id, c.provenance, p.text_key AS prompt_key, coalesce(p.text_key, c.prompt_id) AS same
    FROM (SELECT DISTINCT prompt_id, provenance FROM latest) AS c
    LEFT JOIN (SELECT id, min(text_key) AS text_key FROM prompts GROUP BY id) AS p ON p.id = c.prompt_id
  ) AS keyed
),
numbered AS (
  SELECT prompt_id, provenance, prompt_key, contest, cluster, count(*) OVER (PARTITION BY cluster) > 1 AS repeated
  FROM found
),
placed AS (  -- in two joins by equality: by IS NOT DISTINCT FROM, some engines compare every row with every other
  SELECT
    l.*, coalesce(n.contest, o.contest) AS contest, coalesce(n.cluster, o.cluster) AS cluster, n.prompt_key,
    coalesce(n.repeated, o.repeated) AS repeated
  FROM latest AS l
  LEFT JOIN numbered AS n ON n.prompt_id = l.prompt_id AND n.provenance = l.provenance
  LEFT JOIN (SELECT contest, cluster, provenance, repeated FROM numbered WHERE prompt_id IS NULL) AS o
    ON o.provenance = l.provenance AND l.prompt_id IS NULL
)
SELECT
  l.contest, l.cluster,
  row_number() OVER (PARTITION BY l.contest ORDER BY l.version_no NULLS LAST, l.source NULLS LAST) AS turn,
  l.prompt_id, l.source, l.competes, l.version_id, l.version_no, l.created_at, l.provenance, l.scale, l.total, l.clarity,
  l.specificity, l.actionability, l.structure, l.context_use, l.text_length, l.has_head, l.prompt_key,
  s.agent = l.source AS selected, c.times, l.repeated
FROM placed AS l
LEFT JOIN selections AS s ON s.prompt_id = l.prompt_id
LEFT JOIN choices AS c ON c.prompt_id = l.prompt_id AND c.agent = l.source
