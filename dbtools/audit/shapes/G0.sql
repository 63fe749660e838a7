-- Which tables does the ORM create? (The first generation; compared by affinity, nullability and keys.)
CREATE TABLE prompts (
  id CHAR(32) NOT NULL PRIMARY KEY, user_id VARCHAR, original_text VARCHAR NOT NULL, created_at DATETIME NOT NULL
);
CREATE TABLE prompt_versions (
  id CHAR(32) NOT NULL PRIMARY KEY, prompt_id CHAR(32) NOT NULL REFERENCES prompts (id), version_no INTEGER NOT NULL,
  text VARCHAR NOT NULL, explanation JSON NOT NULL, source VARCHAR NOT NULL, created_at DATETIME NOT NULL
);
CREATE TABLE judge_scores (
  id CHAR(32) NOT NULL PRIMARY KEY, prompt_version_id CHAR(32) NOT NULL REFERENCES prompt_versions (id),
  clarity FLOAT NOT NULL, specificity FLOAT NOT NULL, actionability FLOAT NOT NULL, structure FLOAT NOT NULL,
  context_use FLOAT NOT NULL, feedback JSON NOT NULL, created_at DATETIME NOT NULL
);
CREATE TABLE best_heads (
  prompt_id CHAR(32) NOT NULL PRIMARY KEY REFERENCES prompts (id),
  prompt_version_id CHAR(32) NOT NULL REFERENCES prompt_versions (id), score FLOAT NOT NULL, updated_at DATETIME NOT NULL
);
