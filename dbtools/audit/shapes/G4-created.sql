-- What does the fifth generation add, where the ORM creates it?
CREATE TABLE token_usage (
  id CHAR(32) NOT NULL PRIMARY KEY, prompt_version_id CHAR(32) NOT NULL REFERENCES prompt_versions (id),
  prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL,
  model VARCHAR NOT NULL, cost_usd FLOAT NOT NULL, created_at DATETIME NOT NULL
);
