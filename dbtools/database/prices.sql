-- What did a model cost from a day on, in USD per million tokens? One row per model and price, from prices.csv beside this
-- file. (Parameter {file}: its path; a literal, as a table's definition cannot bind one.)
CREATE TABLE prices AS
SELECT
  lower(model) AS model, valid_from AS since, usd_per_million_prompt AS input_usd, usd_per_million_completion AS output_usd
FROM read_csv({file}, header = true, columns = {
  'model': 'VARCHAR', 'usd_per_million_prompt': 'DOUBLE', 'usd_per_million_completion': 'DOUBLE', 'valid_from': 'DATE',
  'source': 'VARCHAR'
})
ORDER BY model, since;
