-- What are the texts of these prompts? One row per prompt. Parameter: $ids.
SELECT id::VARCHAR AS prompt_id, any_value(original_text) AS text
FROM prompts
WHERE id IN (SELECT unnest($ids::VARCHAR[])::UUID)
GROUP BY id
ORDER BY prompt_id
