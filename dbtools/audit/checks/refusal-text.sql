-- severity: warning
-- area: provenance
-- question: Which versions are a refusal of the model instead of a prompt ("I'm sorry, but I can't help …")?
-- hint: Leave them out of conclusions; the model did not answer.
-- needs: versions.text
SELECT id, source, row_id
FROM versions
WHERE source NOT IN ('original', 'user_input') AND regexp_matches(
  left(text, 200),
  '(?i)^\s*(I(''|’)?m sorry|I am sorry|Sorry|I apologi[sz]e)\b.{0,20}\bI\s?(can(''|’)?t|can ?not|am unable|(''|’)m unable|won(''|’)t)\b'
  || '|^\s*(I (can(''|’)?t|can ?not|am unable to|am not able to|won(''|’)t)|As an AI( language)? model,? I (can(''|’)?t|can ?not)) '
  || '(help|assist|comply|fulfil|provide|do that|answer|continue|create|generate)'
)
ORDER BY row_id
