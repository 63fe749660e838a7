-- What do all rooms mean by the same words? (No parameters; defined in every connection.)

-- A text up to case, white space and Unicode form: the key of "the same prompt text".
-- (Most texts have single spaces only: to look for others takes a tenth of the time of replacing every space.)
CREATE MACRO one_spaced(t) AS CASE
  WHEN contains(t, '  ') OR contains(t, chr(10)) OR contains(t, chr(9)) OR contains(t, chr(13)) OR contains(t, chr(12))
    OR starts_with(t, ' ') OR ends_with(t, ' ')
    THEN trim(regexp_replace(translate(t, chr(9) || chr(10) || chr(12) || chr(13), '    '), ' {2,}', ' ', 'g'), ' ')
  ELSE t
END;
CREATE MACRO normalised(t) AS one_spaced(lower(nfc_normalize(t)));
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


-- What a JSON text holds (object, array, null …); 'invalid' where it is no JSON.
CREATE MACRO json_kind(t) AS CASE WHEN json_valid(t) THEN lower(json_type(t)) WHEN t IS NOT NULL THEN 'invalid' END;

-- A text that is the error message of a failed call instead of an answer. The first pattern is what the application and its
-- client write: nobody asks in these words. The second is what programs write: it counts only in a short text that asks
-- for nothing, because prompts quote such messages ("Error: Cannot find module 'express' - explain").
-- (Most texts are short: to count the characters of all of them takes as long as both patterns.)
CREATE MACRO is_error(t) AS regexp_matches(
    CASE WHEN strlen(t) > 1200 THEN left(t, 1200) ELSE t END,
    '(?is)^\s*(\[Error: .{0,1000}\]\s*$|Error code: \d{3}\b'
    || '|\{"error"|Rate limit reached for |(Error: )?(Invalid API Key|Connection error|Request timed out)\.?\s*$'
    || '|Error: (Unable to generate|Error code:|Connection error))'
  )
  OR (
    length(t) <= 300
    AND regexp_matches(t, '^\s*(Error:|\[ERROR\]|Traceback \(most recent call last\):|Rate limit exceeded'
      || '|(API|HTTP|Connection|Timeout) ?[Ee]rror:)')
    AND NOT regexp_matches(t, '(?i)\b(explain|write|describe|find|fix|create|list|summari[sz]e|translate|rewrite|draft|give|show'
      || '|help|please|suggest|debug|analy[sz]e|identify|compare|outline|act as|you are|design|implement|propose|teach|review'
      || '|interpret|diagnose|resolve|tell me|what|why|how|which|should|could you|can you)\b|\?')
  );

-- A user that is a test program: test_user with a number or a letter at most, demo, testuser, load_test and the like.
CREATE MACRO is_test_user(user) AS regexp_full_match(
  lower(trim(user)), '(test[_-]?user|demo|demo[_-]?user|load[_-]?test(er)?|tester?)([_-]?(\d+|[a-z]|[0-9a-f]{8,}))?'
);

-- The suffix of a generator on a text: the name of an agent, or a version number.
CREATE MACRO generator_suffix(t) AS nullif(regexp_extract(t, '(\[Enhanced by [^\[\]]+ agent\]|\[v\d+\])\s*$', 1), '');

-- A text that may hold a secret of a format in dbtools/redact.py, from which the expression is made. It finds a few more;
-- load.py looks at those it finds.
CREATE MACRO may_hold_secret(t) AS regexp_matches(t, {secrets});

-- A refusal of the model instead of an answer. With an apology before it, any verb counts; without, only what nobody
-- says of his own trouble ("I can't create a virtual environment, explain why").
CREATE MACRO refuses() AS 'I\s?(can''t|can ?not|( am|''m) (unable|not able)( to)?|(won''t|will not)( be able to)?'
  || '|(must|have to) decline( to)?|(do not|don''t) feel comfortable)\s*';
CREATE MACRO is_refusal(t) AS regexp_matches(
  translate(left(t, 250), '’‘', ''''''),
  '(?is)^\W*((I''m|I am) ([a-z]{3,8} )?(sorry|afraid)|Sorry|(I )?([a-z]{3,9}ly )?apologi[sz]e|(My )?apologies|Unfortunately'
  || '|(As an AI|Thank you)[^.]{0,40}?)[,.:;!]?\s*(for [^.]{0,40},?\s*)?(but )?(that(''s something)? )?(as an AI[^.]{0,40}?,?\s*)?\b'
  || refuses() || '(help|assist|comply|fulfil|provide|do (that|this)|answer|continue|creat|generat|engage|support|discuss'
  || '|writ|produc|shar|offer|process|rewrit|improv|(with )?(this|that|your))'
  || '|^\W*' || refuses() || '((help|assist)( you)?( with (that|this|your|those|such)|[.,!]|\s*$)|comply|fulfil'
  || '|(provide|create|generate|write|do|answer|continue|engage)( with| in)? (that|this|such|content|your)\b'
  || '|provide (assistance|help|guidance)( with| on)? (this|that|such)\b'
  || '|(with )?(this|that|your) request)'
  || '|^\W*(Es )?tut mir leid,? (aber )?(ich kann|dabei kann ich|das kann ich|ich darf)'
  || '|^\W*Lo siento,? (pero )?no puedo|^\W*(Je suis )?désolée?,? (mais )?je ne peux pas'
);

-- Text that gives a password in words. A word alone is none ("the password is required"), nor a variable, or a method's name.
CREATE MACRO is_password(word) AS length(trim(word, '.!?')) >= 4 AND NOT regexp_matches(word, '^[$%]')
  AND regexp_matches(word, '\d|[A-Za-z][!@#$%^&*+~][A-Za-z]') AND NOT regexp_matches(
    word, '(?i)^(sha-?\d+|md5|argon2\w*|bcrypt\w*|pbkdf2\w*|base64|utf-?8|oauth2?|\d{1,3}([-–]\w*|[a-z]+)?|\dfa|x+|(self|os|env)\..*)[.!?]?$'
  );
CREATE MACRO gives_password(t) AS regexp_matches(t, '(?i)pass|pwd|\bpw\b|kennwort|contrase|\bpin\b|://[^\s:/@]+:[^\s@/]+@')
  AND len(list_filter(
    regexp_extract_all(
      t,
      '(?i)(?:pass ?words?|passwd|passphrase|passcode|passwort|kennwort|pwd|\bpw|mot de passe|contraseña|\bpin)["'']?\s*'
      || '(?:(?:for|of|to|für|de) [^.:=\n]{1,40}? )?(?:[:=]|->|\bis\b(?: now)?:?|\bwas\b|\bist\b|\blautet\b|\bes\b|\best\b|\bto\b)\s*'
      || '["''`]?([^\s"''`,;<>(){}\[\]]+)',
      1
    )
    || regexp_extract_all(t, '(?i)pass ?word\s+["''`]([^\s"''`]+)["''`]', 1)
    || regexp_extract_all(t, '(?i)\bpass\s*[:=]\s*["''`]?([^\s"''`,;<>(){}\[\]]+)', 1)
    || regexp_extract_all(t, '[a-z+]+://[^\s:/@]+:([^\s@/{}<>$]+)@[\w.-]+', 1),
    word -> is_password(word)
  )) > 0;
