-- What is known of a score without its feedback? (Reads `typed`, the converted columns.)
SELECT
  typed.*,
  clarity + specificity + actionability + structure + context_use AS total,
  json_kind(feedback) AS feedback_kind,
  may_hold_secret(feedback) AS feedback_secret,
  json_field(feedback, '$.agent') AS feedback_agent,
  try_cast(json_field(feedback, '$.confidence') AS DOUBLE) AS feedback_confidence,
  try_cast(json_field(feedback, '$.synthetic') AS BOOLEAN) AS feedback_synthetic,
  starts_with(json_field(feedback, '$.summary'), 'Heuristic scoring') AS heuristic
FROM typed
