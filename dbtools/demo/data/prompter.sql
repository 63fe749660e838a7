-- The prompter database of generation G4, as the application's ORM creates it.
CREATE TABLE prompts (
    id CHAR(32) NOT NULL,
    user_id VARCHAR,
    request_id VARCHAR,
    original_text VARCHAR NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE security_inputs (
    id CHAR(32) NOT NULL,
    user_id VARCHAR,
    input_text VARCHAR NOT NULL,
    risk_score FLOAT NOT NULL,
    label VARCHAR NOT NULL,
    is_blocked BOOLEAN NOT NULL,
    analysis_metadata JSON,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE prompt_versions (
    id CHAR(32) NOT NULL,
    prompt_id CHAR(32) NOT NULL,
    version_no INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    explanation JSON NOT NULL,
    source VARCHAR NOT NULL,
    created_at DATETIME NOT NULL,
    parent_version_id CHAR(32),
    change_type VARCHAR NOT NULL,
    change_magnitude FLOAT NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(prompt_id) REFERENCES prompts (id) ON DELETE CASCADE,
    FOREIGN KEY(parent_version_id) REFERENCES prompt_versions (id) ON DELETE SET NULL
);
CREATE TABLE user_feedback (
    id CHAR(32) NOT NULL,
    request_id VARCHAR NOT NULL,
    user_id VARCHAR NOT NULL,
    prompt_id CHAR(32) NOT NULL,
    user_choice VARCHAR NOT NULL,
    judge_winner VARCHAR NOT NULL,
    agent_winner VARCHAR NOT NULL,
    judge_correct BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(prompt_id) REFERENCES prompts (id) ON DELETE CASCADE
);
CREATE TABLE judge_scores (
    id CHAR(32) NOT NULL,
    prompt_version_id CHAR(32) NOT NULL,
    clarity FLOAT NOT NULL,
    specificity FLOAT NOT NULL,
    actionability FLOAT NOT NULL,
    structure FLOAT NOT NULL,
    context_use FLOAT NOT NULL,
    feedback JSON NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id) ON DELETE CASCADE
);
CREATE TABLE best_heads (
    prompt_id CHAR(32) NOT NULL,
    prompt_version_id CHAR(32) NOT NULL,
    score FLOAT NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (prompt_id),
    FOREIGN KEY(prompt_id) REFERENCES prompts (id) ON DELETE CASCADE,
    FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id) ON DELETE CASCADE
);
CREATE TABLE token_usage (
    id CHAR(32) NOT NULL,
    prompt_version_id CHAR(32) NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    cost_usd FLOAT NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(prompt_version_id) REFERENCES prompt_versions (id) ON DELETE CASCADE
);
