-- What does the second generation add?
CREATE TABLE security_inputs (
  id CHAR(32) NOT NULL PRIMARY KEY, user_id VARCHAR, input_text VARCHAR NOT NULL, risk_score FLOAT NOT NULL,
  label VARCHAR NOT NULL, is_blocked BOOLEAN NOT NULL, analysis_metadata JSON, created_at DATETIME NOT NULL
);
