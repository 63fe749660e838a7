-- Which votes were cast on prompts of one provenance? One row per vote; its prompt is found by its id, else by its request.
-- Parameters: wanted (real, generated, placeholder, unknown, or all).
CREATE MACRO feedback_among(wanted) AS TABLE
SELECT f.*
FROM feedback AS f
LEFT JOIN prompts AS p ON p.id = f.prompt_id
LEFT JOIN prompts AS r ON f.prompt_id IS NULL AND r.request_id = f.request_id
LEFT JOIN provenance AS o ON o.relation = 'prompts' AND o.row_id = coalesce(p.row_id, r.row_id)
WHERE wanted IN (coalesce(o.provenance, 'unknown'), 'all');
