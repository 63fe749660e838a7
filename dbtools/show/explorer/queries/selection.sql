-- Which versions are selected? One row per version, the newest first. (A line whose parameter is not given is left out.)
-- Parameters: $provenance, $scale, $agents (sources), $least and $below (totals), $users, $since and $before (of the prompt; before: not included),
-- $search (part of a text where texts are loaded, of a source or type of change, or the beginning of an id).
SELECT *
FROM scored_versions
WHERE true
  AND provenance = $provenance
  AND scale = $scale
  AND list_contains($agents, source)
  AND total >= $least
  AND total < $below
  AND prompt_id IN (SELECT id FROM prompts WHERE list_contains($users, user_id))
  AND prompt_id IN (SELECT id FROM prompts WHERE created_at >= $since)
  AND prompt_id IN (SELECT id FROM prompts WHERE created_at < $before)
  AND (contains(lower(concat_ws(' ', source, change_type)), lower($search))
    OR version_id IN (SELECT id FROM versions WHERE contains(lower(text), lower($search)))
    OR starts_with(replace(version_id::VARCHAR, '-', ''), nullif(replace(lower($search), '-', ''), ''))
    OR starts_with(replace(prompt_id::VARCHAR, '-', ''), nullif(replace(lower($search), '-', ''), '')))
ORDER BY created_at DESC, version_id
