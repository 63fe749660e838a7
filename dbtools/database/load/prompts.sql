-- What is known of a prompt without its text? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  length(original_text) AS text_length,
  text_key(original_text) AS text_key,
  hash(original_text) AS text_hash,
  holds_secret(original_text) AS text_secret
FROM typed
