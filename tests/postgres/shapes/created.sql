-- The tables as the application's ORM creates them on PostgreSQL.
CREATE TABLE prompts (
  id UUID NOT NULL PRIMARY KEY, user_id VARCHAR, request_id VARCHAR, original_text VARCHAR NOT NULL,
  created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE TABLE prompt_versions (
  id UUID NOT NULL PRIMARY KEY, prompt_id UUID NOT NULL REFERENCES prompts (id), version_no INTEGER NOT NULL,
  text VARCHAR NOT NULL, explanation JSON NOT NULL, source VARCHAR NOT NULL,
  created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL, parent_version_id UUID REFERENCES prompt_versions (id),
  change_type VARCHAR, change_magnitude FLOAT
);
CREATE TABLE judge_scores (
  id UUID NOT NULL PRIMARY KEY, prompt_version_id UUID NOT NULL REFERENCES prompt_versions (id), clarity FLOAT NOT NULL,
  specificity FLOAT NOT NULL, actionability FLOAT NOT NULL, structure FLOAT NOT NULL, context_use FLOAT NOT NULL,
  feedback JSON NOT NULL, created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE TABLE best_heads (
  prompt_id UUID NOT NULL PRIMARY KEY REFERENCES prompts (id),
  prompt_version_id UUID NOT NULL REFERENCES prompt_versions (id), score FLOAT NOT NULL,
  updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE TABLE security_inputs (
  id UUID NOT NULL PRIMARY KEY, user_id VARCHAR, input_text VARCHAR NOT NULL, risk_score FLOAT NOT NULL,
  label VARCHAR NOT NULL, is_blocked BOOLEAN NOT NULL, analysis_metadata JSON,
  created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE TABLE user_feedback (
  id UUID NOT NULL PRIMARY KEY, request_id VARCHAR NOT NULL, user_id VARCHAR, prompt_id UUID REFERENCES prompts (id),
  user_choice VARCHAR NOT NULL, judge_winner VARCHAR, agent_winner VARCHAR, judge_correct BOOLEAN,
  created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
CREATE TABLE token_usage (
  id UUID NOT NULL PRIMARY KEY, prompt_version_id UUID, prompt_tokens INTEGER, completion_tokens INTEGER,
  total_tokens INTEGER, model VARCHAR, cost_usd FLOAT, created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL
);
