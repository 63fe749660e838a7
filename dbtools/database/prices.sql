-- What did a model cost from a day on, in USD per million tokens? One row per model and price, from prices.csv beside this
-- file. (Parameter {rows}: its rows; as literals, since reading so small a file takes longer than all the rest.)
CREATE TABLE prices AS
SELECT
  lower(model) AS model, valid_from::DATE AS since, usd_per_million_prompt::DOUBLE AS input_usd,
  usd_per_million_completion::DOUBLE AS output_usd
FROM (VALUES {rows}) AS price (model, usd_per_million_prompt, usd_per_million_completion, valid_from)
ORDER BY model, since;
