-- Which rows must an exported multi_agent_log have? Written without the query of the layout, to prove what that wrote: from
-- the tables and their provenance alone, and by the greatest of records instead of numbered rows. (No parameters.)
WITH
attempts AS (
  SELECT
    prompt_id, source,
    max({
      genuine: row_id NOT IN (SELECT row_id FROM provenance WHERE relation = 'versions' AND provenance = 'placeholder'),
      number: coalesce(version_no::HUGEINT, -1e20::HUGEINT), moment: coalesce(created_at, '-infinity'::TIMESTAMP), place: row_id
    }).place AS row_id
  FROM versions
  WHERE source IN (SELECT DISTINCT source FROM versions WHERE competes)
  GROUP BY prompt_id, source
),
newest AS (
  SELECT prompt_version_id, max({moment: coalesce(created_at, '-infinity'::TIMESTAMP), place: row_id}).place AS row_id
  FROM scores
  GROUP BY prompt_version_id
),
answers AS (
  SELECT
    a.prompt_id, a.source AS agent, v.text AS improved,
    s.clarity + s.specificity + s.actionability + s.structure + s.context_use AS score
  FROM attempts AS a
  JOIN versions AS v ON v.row_id = a.row_id
  LEFT JOIN newest AS n ON n.prompt_version_id = v.id
  LEFT JOIN scores AS s ON s.row_id = n.row_id
),
others AS (
  SELECT
    prompt_id,
    to_json(list({'agent': agent, 'score': score, 'improved': improved} ORDER BY agent))::VARCHAR AS other_agents
  FROM answers
  WHERE agent NOT IN ('syntax', 'structure', 'domain')
  GROUP BY prompt_id
),
heads_of AS (
  SELECT
    prompt_id,
    max({moment: coalesce(updated_at, '-infinity'::TIMESTAMP), place: row_id}).place AS row_id
  FROM heads
  GROUP BY prompt_id
),
winners AS (
  SELECT o.prompt_id, min({place: v.row_id, source: v.source, text: v.text}) AS version
  FROM heads_of AS o JOIN heads AS h ON h.row_id = o.row_id JOIN versions AS v ON v.id = h.prompt_version_id
  GROUP BY o.prompt_id
)
SELECT
  coalesce(p.request_id, p.id::VARCHAR) AS request_id, p.created_at AS "timestamp", p.original_text AS original_prompt,
  w.version.text AS final_prompt, w.version.source AS selected_agent,
  syntax.score AS syntax_score, structure.score AS structure_score, domain.score AS domain_score,
  syntax.improved AS syntax_improved, structure.improved AS structure_improved, domain.improved AS domain_improved,
  o.other_agents
FROM prompts AS p
LEFT JOIN winners AS w ON w.prompt_id = p.id
LEFT JOIN answers AS syntax ON syntax.prompt_id = p.id AND syntax.agent = 'syntax'
LEFT JOIN answers AS structure ON structure.prompt_id = p.id AND structure.agent = 'structure'
LEFT JOIN answers AS domain ON domain.prompt_id = p.id AND domain.agent = 'domain'
LEFT JOIN others AS o ON o.prompt_id = p.id
