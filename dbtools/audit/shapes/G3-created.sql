-- What does the fourth generation add, where the ORM creates it?
ALTER TABLE prompts ADD COLUMN request_id VARCHAR;
CREATE TABLE user_feedback (
  id CHAR(32) NOT NULL PRIMARY KEY, request_id VARCHAR NOT NULL, user_id VARCHAR NOT NULL,
  prompt_id CHAR(32) NOT NULL REFERENCES prompts (id), user_choice VARCHAR NOT NULL, judge_winner VARCHAR NOT NULL,
  agent_winner VARCHAR NOT NULL, judge_correct BOOLEAN NOT NULL, created_at DATETIME NOT NULL
);
