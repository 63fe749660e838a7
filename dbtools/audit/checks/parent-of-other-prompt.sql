-- severity: error
-- area: references
-- question: Which versions were made from a version of another prompt?
-- hint: Cut the chain there; the two texts answer different prompts.
-- needs: versions.parent_version_id
SELECT c.id, c.prompt_id, p.prompt_id AS parent_prompt_id, c.row_id
FROM versions AS c JOIN versions AS p ON p.id = c.parent_version_id
WHERE c.prompt_id <> p.prompt_id
ORDER BY c.row_id
