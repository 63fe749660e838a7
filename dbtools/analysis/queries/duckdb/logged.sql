-- Which agent did the application select, by a rescued log of its runs? One row per agent that a logged run scored.
-- Reads the temporary view selection_log. (No parameters.)
WITH
runs AS (
  SELECT request_id, selected_agent, COLUMNS('^(.+)_score$') AS '\1'
  FROM selection_log
  WHERE request_id NOT IN (SELECT request_id FROM prompts WHERE request_id IS NOT NULL)
),
scored AS (UNPIVOT runs ON COLUMNS(* EXCLUDE (request_id, selected_agent)) INTO NAME agent VALUE score),
decidable AS (
  SELECT agent, selected_agent = agent AS wins
  FROM scored
  WHERE try_cast(score AS DOUBLE) IS NOT NULL
  QUALIFY bool_or(selected_agent = agent) OVER (PARTITION BY request_id)
)
SELECT agent, count(*) AS decidable, count(*) FILTER (wins) AS wins
FROM decidable
GROUP BY agent
ORDER BY agent
