-- What is known of a version without its texts? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  competes(source) AS competes,
  length(text) AS text_length,
  text_key(text) AS text_key,
  hash(text) AS text_hash,
  CASE WHEN lower(generator_suffix(text)) IN (lower('[Enhanced by ' || source || ' agent]'), '[v' || version_no || ']')
    THEN generator_suffix(text)
  END AS text_mark,
  is_error(text) AS text_error,
  may_hold_secret(text) AS text_secret,
  json_kind(explanation) AS explanation_kind,
  may_hold_secret(explanation) AS explanation_secret,
  json_field(explanation, '$.agent') AS explanation_agent,
  try_cast(json_field(explanation, '$.synthetic') AS BOOLEAN) AS explanation_synthetic,
  json_field(explanation, '$.selected_agent') AS selected_agent,
  -- One whole string of the JSON, not a word in a longer one.
  regexp_matches(explanation, '(^\s*"?|[\[,:]\s*")Unable to (parse response|generate improvements)\.?("\s*[\],}]|"?\s*$)')
    AS agent_failed
FROM typed
