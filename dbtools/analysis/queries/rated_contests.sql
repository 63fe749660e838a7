-- What do the other kinds of win say of the pairs of versions that were rated? One row per rated prompt and pair of agents.
-- Parameters: $scale (the one scale whose scores count). Reads the working tables paired and rated_prompts.
-- Each kind: that of a less that of b; NULL where it is not decidable.
SELECT r.id AS prompt, p.a, p.b, p.recorded, CASE WHEN p.scale = $scale THEN p.score END AS score, p.selected, p.voted
FROM rated_prompts AS r JOIN paired AS p ON p.prompt_id = r.id
ORDER BY r.id NULLS LAST, p.a, p.b
