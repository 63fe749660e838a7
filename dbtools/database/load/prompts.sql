-- What is known of a prompt without its text? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  length(original_text) AS text_length,
  text_key(original_text) AS text_key,
  hash(original_text) AS text_hash,
  may_hold_secret(original_text) AS text_secret,
  generator_suffix(original_text) AS text_mark,
  is_error(original_text) OR regexp_matches(original_text, '^\s*(\[?Error\b|\[ERROR\]|Traceback|Rate limit|\w+ ?[Ee]rror:)') AS text_error,
  is_test_user(user_id) AS test_user
FROM typed
