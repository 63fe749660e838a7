-- What does the fourth generation add, where a migration brings it about?
ALTER TABLE prompts ADD COLUMN request_id VARCHAR;
CREATE TABLE user_feedback (
  id TEXT PRIMARY KEY, request_id TEXT NOT NULL, user_id TEXT NOT NULL, prompt_id TEXT NOT NULL REFERENCES prompts (id),
  user_choice TEXT NOT NULL, judge_winner TEXT NOT NULL, agent_winner TEXT NOT NULL, judge_correct INTEGER NOT NULL,
  created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
