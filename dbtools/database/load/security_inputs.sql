-- What is known of a checked input without its text? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  length(input_text) AS text_length,
  text_key(input_text) AS text_key,
  may_hold_secret(input_text) AS text_secret,
  is_test_user(user_id) AS test_user,
  json_kind(analysis_metadata) AS metadata_kind,
  may_hold_secret(analysis_metadata) AS metadata_secret
FROM typed
