-- severity: warning
-- area: provenance
-- question: Which scores are the fallback of a judge that was not reachable (only 0 and 5)?
-- hint: Leave them out of comparisons with scores of the judge.
SELECT id, prompt_version_id, total, row_id FROM scores WHERE heuristic ORDER BY row_id
