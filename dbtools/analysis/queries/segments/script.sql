-- In which script is most of each prompt written? (A working table.) One row per prompt.
-- (No parameters; needs the long texts.)
WITH
letters AS (
  SELECT
    id AS prompt_id,
    unnest([
      {'n': length(regexp_replace(original_text, '[^\p{Latin}]', '', 'g')), 'name': 'Latin'},
      {'n': length(regexp_replace(original_text, '[^\p{Cyrillic}]', '', 'g')), 'name': 'Cyrillic'},
      {'n': length(regexp_replace(original_text, '[^\p{Greek}]', '', 'g')), 'name': 'Greek'},
      {'n': length(regexp_replace(original_text, '[^\p{Arabic}]', '', 'g')), 'name': 'Arabic'},
      {'n': length(regexp_replace(original_text, '[^\p{Hebrew}]', '', 'g')), 'name': 'Hebrew'},
      {'n': length(regexp_replace(original_text, '[^\p{Devanagari}]', '', 'g')), 'name': 'Devanagari'},
      {'n': length(regexp_replace(original_text, '[^\p{Hangul}]', '', 'g')), 'name': 'Korean'},
      {'n': 3 * length(regexp_replace(original_text, '[^\p{Hiragana}\p{Katakana}]', '', 'g')), 'name': 'Japanese'},
      {'n': length(regexp_replace(original_text, '[^\p{Han}]', '', 'g')), 'name': 'Chinese'}
    ]) AS found
  FROM prompts
  WHERE original_text IS NOT NULL
)
SELECT prompt_id, CASE WHEN max(found.n) > 0 THEN arg_max(found.name, found.n) ELSE '(no letters)' END AS segment
FROM letters
GROUP BY prompt_id
