-- severity: warning
-- area: scores
-- question: Which versions record a selected agent other than the one whose version is the head?
-- hint: Compare the decision with the head; one of them was written later.
SELECT v.id, v.selected_agent, coalesce(head.selected_agent, head.source) AS head_agent, v.row_id
FROM versions AS v
JOIN heads AS h ON h.prompt_id = v.prompt_id
JOIN versions AS head ON head.id = h.prompt_version_id
WHERE v.selected_agent <> coalesce(head.selected_agent, head.source)
ORDER BY v.row_id
