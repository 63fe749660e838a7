-- severity: warning
-- area: references
-- question: Which versions have a change magnitude outside 0–1?
-- hint: Recompute it from the texts; it is a share.
-- needs: versions.change_magnitude
SELECT id, change_magnitude, row_id FROM versions WHERE change_magnitude NOT BETWEEN 0 AND 1 ORDER BY row_id
