-- What do all rooms mean by the same words? (No parameters; defined in every connection.)

-- A text up to case, white space and Unicode form: the key of "the same prompt text".
CREATE MACRO normalised(t) AS trim(regexp_replace(lower(nfc_normalize(t)), '\s+', ' ', 'g'));
CREATE MACRO text_key(t) AS md5(normalised(t))::UUID;

-- A timestamp in UTC; anything but an ISO date with an optional time and offset is NULL.
CREATE MACRO utc(t) AS CASE
  WHEN regexp_full_match(t, '\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?') THEN try_cast(t AS TIMESTAMP)
  WHEN regexp_full_match(t, '\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)')
    THEN try_cast(t AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
END;

-- A field of a JSON text; NULL where the text is no JSON.
CREATE MACRO json_field(t, path) AS CASE WHEN json_valid(t) THEN json_extract_string(t, path) END;

-- Sources that write versions but do not compete as agents.
CREATE MACRO competes(source) AS
  source NOT IN ('original', 'user_input', 'multi_agent', 'single_agent', 'synthetic_generator') AND source NOT LIKE '%/%';
