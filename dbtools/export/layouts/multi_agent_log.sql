-- What did each prompt ask, which agent won, and what did every agent answer? One row per prompt.
-- Final text and winner are the recorded head's. An agent with several versions counts with its last, as in `contests`; its
-- score is the total as stored, empty where the agent did not run or was not judged. Agents that have no columns of
-- their own are listed in other_agents. (Optional column, left out when empty: other_agents. No parameters.)
WITH
winners AS (
  SELECT h.prompt_id, v.source, v.text
  FROM heads AS h LEFT JOIN versions AS v ON v.id = h.prompt_version_id
  QUALIFY row_number() OVER (PARTITION BY h.prompt_id ORDER BY h.updated_at DESC NULLS LAST, h.row_id DESC, v.row_id) = 1
),
entries AS (
  SELECT
    c.prompt_id, c.agent, max(v.text) AS improved,
    max(c.clarity + c.specificity + c.actionability + c.structure + c.context_use) AS score
  FROM contests AS c
  LEFT JOIN versions AS v ON v.id = c.version_id
  GROUP BY c.prompt_id, c.agent
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
