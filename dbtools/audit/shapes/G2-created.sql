-- What does the third generation add, where the ORM creates it?
ALTER TABLE prompt_versions ADD COLUMN parent_version_id CHAR(32) REFERENCES prompt_versions (id);
ALTER TABLE prompt_versions ADD COLUMN change_type VARCHAR NOT NULL DEFAULT 'other';
ALTER TABLE prompt_versions ADD COLUMN change_magnitude FLOAT NOT NULL DEFAULT 0.0;
