-- A cell as the database has it; NULL where no export put an apostrophe in front.
CREATE TEMP MACRO bare(cell) AS nullif(unescaped(cell), cell);

-- Does a cell of a CSV file say the same as the database? Cells are NULL where they are blank, which says nothing.
-- Old logs number versions from 0, and were written a moment before or after the database. (No parameters.)

-- cell: a text; bare: the same without the apostrophe of an export, NULL where it has none.
CREATE TEMP MACRO same_text(cell, bare, text) AS coalesce(cell = text OR bare = text, false);

CREATE TEMP MACRO own_text(cell, bare, text) AS
  same_text(cell, bare, text) OR (cell IS NULL AND coalesce(regexp_full_match(text, '\s*'), true));

-- name and value of a cell; f: a row of a query facts_….sql.
CREATE TEMP MACRO same_cell(name, value, f) AS value IS NULL OR coalesce(CASE
  WHEN name = 'prompt_id' THEN try_cast(trim(value) AS UUID) = (f).prompt_id
  WHEN name = 'parent_version_id' THEN try_cast(trim(value) AS UUID) = (f).parent_version_id
  WHEN name = 'version_no' THEN (f).version_no::HUGEINT - try_cast(value AS BIGINT) IN (0, 1)
  WHEN name = 'source' THEN value = (f).source
  WHEN name IN ('explanation', 'feedback') THEN CASE
    WHEN value = (f).json THEN true
    WHEN json_valid(value) AND json_valid((f).json) THEN json(value) = json((f).json)
  END
  WHEN name = 'timestamp' THEN abs(epoch(utc(value)) - epoch((f).created_at)) <= 1
  WHEN name = 'change_type' THEN value = (f).change_type
  WHEN name = 'change_magnitude' THEN abs(try_cast(value AS DOUBLE) - (f).change_magnitude) <= 1e-9
  WHEN name = 'total' THEN abs(try_cast(value AS DOUBLE) - (f).total) <= 1e-6
END, false);

-- One of the recorded winners has this text and this agent.
CREATE TEMP MACRO has_won(cell, bare, agent, winners) AS (cell IS NULL AND agent IS NULL) OR coalesce(len(list_filter(
  winners, w -> (cell IS NULL OR same_text(cell, bare, w.text)) AND (agent IS NULL OR coalesce(w.agent = agent, false))
)) > 0, false);

-- The agent wrote this text for the prompt, and its total is the score. An agent of NULL means any.
CREATE TEMP MACRO has_written(name, cell, bare, score, answers) AS (cell IS NULL AND score IS NULL) OR coalesce(len(list_filter(
  answers, a -> (name IS NULL OR coalesce(a.agent = name, false)) AND (cell IS NULL OR same_text(cell, bare, a.text))
    AND (score IS NULL OR coalesce(abs(try_cast(score AS DOUBLE) - a.total) <= 1e-6, false))
)) > 0, false);
