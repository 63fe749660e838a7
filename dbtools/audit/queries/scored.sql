-- What do the checks ask of the scored versions? (No parameters; computed once for all of them.)
SELECT version_id, prompt_id, source, competes, raw_total, total, scale, is_head FROM scored_versions ORDER BY row_id
