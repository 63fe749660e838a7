-- What are the texts of the versions in the working table listed_versions? One row per version.
SELECT id::VARCHAR AS version_id, text
FROM versions
WHERE id IN (SELECT id FROM listed_versions)
ORDER BY version_id
