-- Does each prompt hold code, a list or a question? (A working table.) One row per prompt; the first of these that holds.
-- (No parameters; needs the long texts.)
SELECT
  id AS prompt_id,
  CASE
    WHEN contains(original_text, '```') OR regexp_matches(
      original_text,
      '(?m)^\s*(def |class \w+[:({]|import \w|from \w+ import |function \w*\(|const \w+ =|let \w+ =|var \w+ =|public \w|#include'
      || '|SELECT .+ FROM |</?[a-z]+>)|\)\s*[{;]\s*$|=>'
    ) THEN 'with code'
    WHEN len(regexp_extract_all(original_text, '(?m)^\s*([-*•]|\d+[.)])\s+\S')) >= 2 THEN 'with a list'
    WHEN regexp_matches(
      original_text,
      '[?？؟]|(?i)^\s*(what|why|how|when|where|who|which|can|could|should|is|are|do|does|was|wie|warum|wer|wann|wo)\b'
    ) THEN 'a question'
    ELSE 'other'
  END AS segment
FROM prompts
WHERE original_text IS NOT NULL
