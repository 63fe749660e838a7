-- What does the third generation add, where a migration brings it about?
ALTER TABLE prompt_versions ADD COLUMN parent_version_id TEXT;
ALTER TABLE prompt_versions ADD COLUMN change_type TEXT DEFAULT 'other';
ALTER TABLE prompt_versions ADD COLUMN change_magnitude REAL DEFAULT 0.0;
CREATE INDEX idx_prompt_versions_parent ON prompt_versions (parent_version_id);
CREATE INDEX idx_prompt_versions_created_at ON prompt_versions (created_at);
