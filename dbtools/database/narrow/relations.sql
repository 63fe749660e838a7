-- What belongs to the prompts asked for? (Reads asked_prompts and asked_inputs; the relations as loaded are whole_….)
CREATE VIEW prompts AS FROM whole_prompts WHERE id IN (SELECT id FROM asked_prompts);
CREATE VIEW versions AS FROM whole_versions WHERE prompt_id IN (SELECT id FROM asked_prompts);
CREATE VIEW scores AS FROM whole_scores WHERE prompt_version_id IN (SELECT id FROM versions);
CREATE VIEW heads AS FROM whole_heads WHERE prompt_id IN (SELECT id FROM asked_prompts);
CREATE VIEW token_usage AS FROM whole_token_usage WHERE prompt_version_id IN (SELECT id FROM versions);
CREATE VIEW feedback AS
FROM whole_feedback
WHERE prompt_id IN (SELECT id FROM asked_prompts)
  OR (prompt_id IS NULL AND request_id IN (SELECT request_id FROM asked_prompts));
CREATE VIEW security_inputs AS FROM whole_security_inputs WHERE row_id IN (SELECT row_id FROM asked_inputs);
