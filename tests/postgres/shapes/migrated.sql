-- The tables as the application's migrations mean them on PostgreSQL: 001 and 002 as they are, 003 to 005 with keys of
-- the type uuid, as those of text cannot refer to it and fail.
CREATE TABLE prompts (
  id UUID PRIMARY KEY, user_id TEXT, request_id TEXT, original_text TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE prompt_versions (
  id UUID PRIMARY KEY, prompt_id UUID NOT NULL REFERENCES prompts (id) ON DELETE CASCADE, version_no INTEGER NOT NULL,
  text TEXT NOT NULL, explanation JSONB NOT NULL, source TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  parent_version_id UUID REFERENCES prompt_versions (id) ON DELETE SET NULL, change_type TEXT DEFAULT 'other',
  change_magnitude NUMERIC DEFAULT 0, UNIQUE (prompt_id, version_no)
);
CREATE TABLE judge_scores (
  id UUID PRIMARY KEY, prompt_version_id UUID NOT NULL REFERENCES prompt_versions (id) ON DELETE CASCADE,
  clarity NUMERIC NOT NULL CHECK (clarity BETWEEN 0 AND 10),
  specificity NUMERIC NOT NULL CHECK (specificity BETWEEN 0 AND 10),
  actionability NUMERIC NOT NULL CHECK (actionability BETWEEN 0 AND 10),
  structure NUMERIC NOT NULL CHECK (structure BETWEEN 0 AND 10),
  context_use NUMERIC NOT NULL CHECK (context_use BETWEEN 0 AND 10),
  total NUMERIC GENERATED ALWAYS AS (clarity + specificity + actionability + structure + context_use) STORED,
  feedback JSONB NOT NULL, created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE best_heads (
  prompt_id UUID PRIMARY KEY REFERENCES prompts (id) ON DELETE CASCADE,
  prompt_version_id UUID NOT NULL REFERENCES prompt_versions (id), score NUMERIC NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE security_inputs (
  id UUID PRIMARY KEY, user_id TEXT, input_text TEXT NOT NULL, risk_score NUMERIC NOT NULL, label TEXT NOT NULL,
  is_blocked BOOLEAN NOT NULL, analysis_metadata JSONB, created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE user_feedback (
  id UUID PRIMARY KEY, request_id TEXT NOT NULL, user_id TEXT, prompt_id UUID REFERENCES prompts (id),
  user_choice TEXT CHECK (user_choice IN ('original', 'single', 'multi')), judge_winner TEXT, agent_winner TEXT,
  judge_correct INTEGER, created_at TIMESTAMPTZ DEFAULT now()
);
CREATE TABLE token_usage (
  id UUID PRIMARY KEY, prompt_version_id UUID, prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER,
  model TEXT, cost_usd NUMERIC(12, 8), created_at TIMESTAMPTZ DEFAULT now()
);
