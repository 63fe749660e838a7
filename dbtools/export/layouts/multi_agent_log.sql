-- What did each prompt ask, which agent won, and what did every agent answer? One row per prompt.
-- Final text and winner are the recorded head's. Of an agent with several versions, text and score are those of one: the
-- last that is not a placeholder, else the last. The score is the newest total as stored, empty where the agent did not run
-- or was not judged. Agents that have no columns of their own are listed in other_agents. proofs/multi_agent_log.sql says
-- the same in another way. (Optional column, left out when empty: other_agents. No parameters.)
WITH
winners AS (
  SELECT h.prompt_id, v.source, v.text
  FROM heads AS h LEFT JOIN versions AS v ON v.id = h.prompt_version_id
  QUALIFY row_number() OVER (PARTITION BY h.prompt_id ORDER BY h.updated_at DESC NULLS LAST, h.row_id DESC, v.row_id) = 1
),
entries AS (
  SELECT v.prompt_id, v.source AS agent, v.text AS improved, s.raw_total AS score
  FROM versions AS v JOIN scored_versions AS s ON s.row_id = v.row_id
  WHERE v.competes
  QUALIFY row_number() OVER (
    PARTITION BY v.prompt_id, v.source
    ORDER BY s.provenance = 'placeholder', v.version_no DESC NULLS LAST, v.created_at DESC NULLS LAST, v.row_id DESC
  ) = 1
),
answers AS (
  SELECT
    prompt_id,
    max(score) FILTER (agent = 'syntax') AS syntax_score,
    max(score) FILTER (agent = 'structure') AS structure_score,
    max(score) FILTER (agent = 'domain') AS domain_score,
    max(improved) FILTER (agent = 'syntax') AS syntax_improved,
    max(improved) FILTER (agent = 'structure') AS structure_improved,
    max(improved) FILTER (agent = 'domain') AS domain_improved,
    to_json(
      list({'agent': agent, 'score': score, 'improved': improved} ORDER BY agent)
        FILTER (agent NOT IN ('syntax', 'structure', 'domain'))
    )::VARCHAR AS other_agents
  FROM entries
  GROUP BY prompt_id
)
SELECT
  coalesce(p.request_id, p.id::VARCHAR) AS request_id, p.created_at AS "timestamp", p.original_text AS original_prompt,
  w.text AS final_prompt, w.source AS selected_agent,
  a.syntax_score, a.structure_score, a.domain_score, a.syntax_improved, a.structure_improved, a.domain_improved,
  a.other_agents
FROM prompts AS p
LEFT JOIN winners AS w ON w.prompt_id = p.id
LEFT JOIN answers AS a ON a.prompt_id = p.id
ORDER BY p.created_at, p.id, p.row_id
