-- What did a model cost from a day on, in USD per million tokens? One row per model and price: Groq's list prices as read
-- on 2025-11-06 (the last two models were withdrawn in 2025). user_input is no model: the application books the user's own
-- prompt under it, at no cost. (No parameters.)
CREATE VIEW prices AS
SELECT model, since::DATE AS since, input_usd::DOUBLE AS input_usd, output_usd::DOUBLE AS output_usd
FROM (
  VALUES
    ('llama-3.3-70b-versatile', '2024-12-06', 0.59, 0.79),
    ('llama-3.1-8b-instant', '2024-07-23', 0.05, 0.08),
    ('gemma2-9b-it', '2024-06-27', 0.20, 0.20),
    ('mixtral-8x7b-32768', '2024-01-01', 0.24, 0.24),
    ('user_input', '2025-01-01', 0, 0)
) AS listed (model, since, input_usd, output_usd);
