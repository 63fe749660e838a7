-- What is known of a version without its texts? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  competes(source) AS competes,
  length(text) AS text_length,
  text_key(text) AS text_key,
  hash(text) AS text_hash,
  nullif(regexp_extract(text, '(\[Enhanced by .+ agent\]|\[v\d+\])$'), '') AS text_mark,
  is_error(text) AS text_error,
  holds_secret(text) AS text_secret,
  json_kind(explanation) AS explanation_kind,
  holds_secret(explanation) AS explanation_secret,
  json_field(explanation, '$.agent') AS explanation_agent,
  try_cast(json_field(explanation, '$.synthetic') AS BOOLEAN) AS explanation_synthetic,
  json_field(explanation, '$.selected_agent') AS selected_agent,
  contains(explanation, 'Unable to parse response') OR contains(explanation, 'Unable to generate improvements')
    AS agent_failed
FROM typed
