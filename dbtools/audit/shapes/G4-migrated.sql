-- What does the fifth generation add, where a migration brings it about?
CREATE TABLE token_usage (
  id TEXT PRIMARY KEY, prompt_version_id TEXT NOT NULL REFERENCES prompt_versions (id), prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, model TEXT NOT NULL, cost_usd REAL NOT NULL,
  created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
