-- What belongs to the prompts asked for? (Reads filtered_prompt_ids and filtered_input_rows; the relations as loaded are unfiltered_….)
CREATE VIEW prompts AS FROM unfiltered_prompts WHERE id IN (SELECT id FROM filtered_prompt_ids);
CREATE VIEW versions AS FROM unfiltered_versions WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids);
CREATE VIEW scores AS FROM unfiltered_scores WHERE prompt_version_id IN (SELECT id FROM versions);
CREATE VIEW heads AS FROM unfiltered_heads WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids);
CREATE VIEW token_usage AS FROM unfiltered_token_usage WHERE prompt_version_id IN (SELECT id FROM versions);
CREATE VIEW feedback AS
FROM unfiltered_feedback
WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids)
  OR (prompt_id IS NULL AND request_id IN (SELECT request_id FROM filtered_prompt_ids));
CREATE VIEW security_inputs AS FROM unfiltered_security_inputs WHERE row_id IN (SELECT row_id FROM filtered_input_rows);
CREATE VIEW ratings AS FROM unfiltered_ratings WHERE prompt_id IN (SELECT id FROM filtered_prompt_ids);
