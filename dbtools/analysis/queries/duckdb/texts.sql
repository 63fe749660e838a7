-- What are the texts of these versions? One row per version. Parameters: $ids (a list of version ids).
SELECT id::VARCHAR AS version_id, text
FROM versions
WHERE id IN (SELECT unnest($ids::VARCHAR[])::UUID)
ORDER BY version_id
