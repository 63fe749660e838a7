"""Hide passwords, tokens and keys in a text that is shown.

A pattern runs only if its literal occurs in the text. It starts at that literal, and its repetitions are possessive or
bounded, so the time grows in proportion to the length of the text, whatever the text is.

Sources of the formats: [gl] the public rules of gitleaks (github.com/gitleaks/gitleaks, config/gitleaks.toml);
[gh] the formats of GitHub's secret scanning (docs.github.com/code-security/secret-scanning); [crypt] crypt(5) and the
PHC string format; [rfc] the RFC named; [own] the documentation of the service or library named.
"""

from __future__ import annotations

import re
from typing import NamedTuple

HIDDEN = "«redacted»"
_SEARCHED = 6  # repetitions that the search looks for


class Format(NamedTuple):
    """One format of secrets: a pattern, and a literal without which it cannot match."""

    name: str
    source: str
    literal: str
    pattern: re.Pattern[str]


def _whole(name: str, source: str, literal: str, pattern: str) -> Format:
    return Format(name, source, literal, re.compile(pattern, re.ASCII))


def _word(name: str, source: str, literal: str, rest: str) -> Format:
    """Return the format of words that start with `literal`, which no longer word may contain.

    What stands before the literal is checked after it: a pattern that starts with a literal is found quickly.
    """
    start = re.escape(literal)
    return Format(name, source, literal, re.compile(rf"{start}(?<![\w-]{start}){rest}", re.ASCII))


_B64 = r"[\w+/=-]"
# Not words with hyphens alone: a capital letter, a digit, or 20 letters in a row.
_KEY = r"(?=[\w-]{16})(?:[a-z_-]{0,400}+[A-Z0-9]|(?:[a-z]{1,19}-){0,4}+[a-z_]{20})[\w-]{0,400}+"
FORMATS: tuple[Format, ...] = (
    # Password hashes.
    _whole("argon2", "crypt", "$argon2", r"\$argon2[id]{1,2}\$[\w+/=,$.-]++"),
    _whole("bcrypt", "crypt", "$2", r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{20,60}+"),
    _whole(
        "crypt",
        "crypt",
        "$",
        r"\$(?:[13567]|y|gy|7y|sha1|md5|apr1|scrypt|pbkdf2(?:-\w{1,12})?)(?:,\w{1,20})?\$[\w./=,+$-]{16,400}+",
    ),
    _whole("LDAP hash", "rfc 2307", "{", r"\{(?:S?SHA\d{0,3}|S?MD5|CRYPT|PBKDF2[\w-]{0,10})\}[\w+/=$.-]{16,400}+"),
    _word("pbkdf2", "own: Django, Werkzeug", "pbkdf2", r"[:_][^\s\"',;<>]{16,400}+"),
    _word("scrypt", "own: Werkzeug", "scrypt", r"[:$][^\s\"',;<>]{16,400}+"),
    # Private keys, also where their end is missing.
    _whole(
        "private key",
        "rfc 7468, OpenSSH, OpenPGP",
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:[\w+/=:,.\s-]|\\[nr])*+",
    ),
    _whole("PuTTY key", "own: PuTTY", "PuTTY-User-Key-File-", r"PuTTY-User-Key-File-\d:[\w+/=:,.\s-]*+"),
    _word("age key", "own: age", "AGE-SECRET-KEY-", r"1[A-Z0-9]{40,70}+"),
    # Tokens that say by their first letters what they are.
    _word("JSON web token", "rfc 7519", "eyJ", r"[\w-]{8,}+\.[\w-]++(?:\.[\w-]*+)*+"),
    _word("API key sk-", "gh: OpenAI, Anthropic, OpenRouter, DeepSeek", "sk-", _KEY),
    _word("API key pk-", "gl", "pk-", _KEY),
    _word("API key rk-", "gl", "rk-", _KEY),
    *(
        _word("Stripe", "gh", f"{kind}_{mode}_", r"[0-9A-Za-z]{10,250}+")
        for kind in ("sk", "pk", "rk")
        for mode in ("live", "test", "prod")
    ),
    _word("Stripe webhook", "own: Stripe", "whsec_", rf"{_B64}{{20,250}}+"),
    *(_word("GitHub", "gh", f"gh{kind}_", r"[A-Za-z0-9]{16,300}+") for kind in "pousr"),
    _word("GitHub", "gh", "github_pat_", r"\w{16,250}+"),
    *(
        _word("GitLab", "gh", f"gl{kind}-", r"[\w.-]{16,300}+")
        for kind in ("pat", "dt", "rt", "cbt", "ptt", "soat", "ft", "agent", "imt", "oas", "ffct")
    ),
    _word("Groq", "own: Groq", "gsk_", r"[\w-]{16,250}+"),
    _word("Hugging Face", "gh", "hf_", r"[A-Za-z0-9_-]{16,250}+"),
    _word("Hugging Face", "gl", "api_org_", r"[A-Za-z0-9]{16,250}+"),
    _word("xAI", "gh", "xai-", r"[\w-]{20,250}+"),
    _word("Perplexity", "gl", "pplx-", r"[A-Za-z0-9]{20,250}+"),
    _word("Replicate", "gh", "r8_", r"[A-Za-z0-9]{20,250}+"),
    _word("Pinecone", "gh", "pcsk_", r"\w{20,250}+"),
    _word("LangSmith", "gh", "lsv2_", r"\w{20,250}+"),
    _word("NVIDIA", "own: NVIDIA NGC", "nvapi-", r"[\w-]{20,250}+"),
    _word("Tavily", "own: Tavily", "tvly-", r"[\w-]{16,250}+"),
    _word("Fireworks", "own: Fireworks", "fw_", r"[A-Za-z0-9]{20,100}+"),
    *(_word("Slack", "gh", f"xox{kind}", r"[.-][\w.-]{10,400}+") for kind in "abceoprs"),
    _word("Slack", "gh", "xoxe.", r"[\w.-]{10,400}+"),
    _word("Slack app", "gh", "xapp-", r"[\w-]{10,400}+"),
    _whole(
        "Slack webhook",
        "gl",
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w+/-]{20,250}+",
    ),
    _whole("Discord webhook", "gl", "/api/webhooks/", r"/api/webhooks/\d{5,25}/[\w-]{20,250}+"),
    *(
        _word("AWS", "gl", kind, r"[0-9A-Z]{12,20}+(?![\w-])")
        for kind in ("AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "ANPA", "ANVA")
    ),
    _word("Alibaba", "gh", "LTAI", r"[A-Za-z0-9]{12,30}+(?![\w-])"),
    _word("Google API", "gh", "AIza", r"[\w-]{30,100}+"),
    _word("Google OAuth secret", "gh", "GOCSPX-", r"[\w-]{20,100}+"),
    _word("Google OAuth token", "gh", "ya29.", r"[\w.-]{20,2000}+"),
    _whole("Google refresh token", "gh", "1//0", r"1//0(?<![\w/]1//0)[\w-]{20,300}+"),
    _word("npm", "gh", "npm_", r"[A-Za-z0-9]{30,100}+"),
    _word("PyPI", "gh", "pypi-", r"[\w-]{30,2000}+"),
    _word("RubyGems", "gh", "rubygems_", r"[a-f0-9]{20,100}+"),
    _word("NuGet", "gh", "oy2", r"[a-z0-9]{43}(?![\w-])"),
    _word("SendGrid", "gh", "SG.", r"[\w-]{15,40}+\.[\w-]{20,100}+"),
    _word("Brevo", "gh", "xkeysib-", r"[\w-]{20,150}+"),
    _word("Mailgun", "gh", "key-", r"[0-9a-f]{32}(?![\w-])"),
    *(_word("DigitalOcean", "gh", f"do{kind}_v1_", r"[a-f0-9]{32,128}+") for kind in "opr"),
    _word("Databricks", "gh", "dapi", r"[a-f0-9]{32}(?:-\d)?(?![\w-])"),
    *(_word("Vault", "gh", f"hv{kind}.", r"[\w-]{20,400}+") for kind in "sbr"),
    _word("Terraform", "gh", "atlasv1.", r"[\w=-]{30,100}+"),
    _word("Docker", "gh", "dckr_", r"(?:pat|oat)_[\w-]{16,100}+"),
    *(_word("Shopify", "gh", f"shp{kind}_", r"[a-fA-F0-9]{20,64}+") for kind in ("at", "ca", "pa", "ss", "ua")),
    _word("Twilio", "gh", "AC", r"[0-9a-f]{32}(?![\w-])"),
    _word("Twilio", "gh", "SK", r"[0-9a-f]{32}(?![\w-])"),
    _word("Linear", "gh", "lin_api_", r"[A-Za-z0-9]{20,100}+"),
    _word("Linear", "gh", "lin_oauth_", r"[A-Za-z0-9]{20,100}+"),
    _word("Notion", "gh", "ntn_", r"[A-Za-z0-9]{30,100}+"),
    _word("Notion", "gh", "secret_", r"[A-Za-z0-9]{40,50}+(?![\w-])"),
    _word("Figma", "gh", "figd_", r"[\w-]{20,100}+"),
    _word("Grafana", "gh", "glsa_", r"\w{20,100}+"),
    _word("Grafana", "gh", "glc_", rf"{_B64}{{20,400}}+"),
    _word("New Relic", "gh", "NRAK-", r"[A-Z0-9]{20,50}+"),
    _word("Postman", "gh", "PMAK-", r"[\w-]{20,100}+"),
    _word("Atlassian", "gh", "ATATT3x", rf"{_B64}{{20,400}}+"),
    _word("Bitbucket", "gh", "ATBB", r"[A-Za-z0-9_=]{20,60}+"),
    *(_word("Sentry", "gh", f"sntry{kind}_", r"[\w+/=-]{20,400}+") for kind in "su"),
    _word("Supabase", "gh", "sbp_", r"[a-z0-9]{20,100}+"),
    _word("Supabase", "gh", "sb_secret_", r"[\w-]{16,100}+"),
    *(_word("PlanetScale", "gh", f"pscale_{kind}_", r"[\w.=-]{20,100}+") for kind in ("tkn", "pw", "oauth")),
    *(_word("Doppler", "gh", f"dp.{kind}.", r"[\w-]{20,100}+") for kind in ("pt", "st", "ct", "sa", "scim", "audit")),
    _word("Square", "gh", "sq0", r"(?:atp|csp)-[\w-]{16,100}+"),
    _word("Telegram", "gh", "bot", r"\d{8,10}:[\w-]{30,50}+"),
    _word("Airtable", "gh", "pat", r"[A-Za-z0-9]{14}\.[a-f0-9]{40,70}+"),
    _word("Facebook", "gh", "EAA", r"[A-Za-z0-9]{60,300}+"),
    _word("Fly.io", "gh", "fo1_", r"[\w-]{20,100}+"),
    _word("Netlify", "gh", "nfp_", r"[A-Za-z0-9]{20,100}+"),
    _word("Contentful", "gh", "CFPAT-", r"[\w-]{20,100}+"),
    _word("Typeform", "gh", "tfp_", r"[\w.=-]{20,100}+"),
    _whole(  # but no numbers of a user and a group
        "user and password of curl",
        "own: curl",
        "-u ",
        r"(?<=-u )(?:\d{0,59}+[A-Za-z_.@-][\w.@-]{0,59}+:[^\s\"']{4,200}+|\d{1,60}+:[^\d\s\"'][^\s\"']{3,199}+)",
    ),
    _whole("pgpass", "own: PostgreSQL", ":5432:", r"(?<=:5432:)[^\s:]{1,60}+:[^\s:]{1,60}+:\S{3,200}+"),
    _whole("netrc", "own: curl", "login ", r"(?<=login )\S{1,100}+\s{1,3}+password\s{1,3}+\S{1,200}+"),
    _whole("Azure client secret", "gh", "Q~", r"Q~[\w.~-]{31,34}+(?![\w-])"),
    _whole("Azure storage", "own: Azure", "AccountKey=", r"(?<=AccountKey=)[\w+/]{20,200}+={0,2}"),
    _whole("Azure service bus", "own: Azure", "SharedAccessKey=", r"(?<=SharedAccessKey=)[\w+/]{20,200}+={0,2}"),
    _whole("signed URL", "own: Azure, AWS, Google", "ignature=", r"(?<=ignature=)[\w%+/=-]{16,600}+"),
    _whole("signed URL", "own: Azure", "sig=", r"(?<=[?&;]sig=)[\w%+/=-]{16,600}+"),
)

# The password of a URL, up to the last @ of its word. pathlib makes one slash of two.
_URL = re.compile(r":/{1,3}+[^\s/:@\"']{0,200}+:[^\s\"']++")
# An HTTP header (RFC 7235) that authorizes.
_HEADER = re.compile(
    r"""[aAbBtT](?<!\w.)(?i:(?<=b)earer|(?<=b)asic|(?<=t)oken|(?<=a)pi-?key)(\s{1,3}+)([\w+/=.~:-]{16,4000}+)""",
    re.DOTALL,
)
# A setting whose name says that its value is secret: of environments, YAML, JSON, code, connection strings, flags. It
# starts with a set of letters, not with a choice of words: `re` then skips other letters quickly.
_SETTING = re.compile(
    r"""[ackpstACKPST]
        (?i:(?P<password>(?<=p)ass(?:word|wd|phrase|code|wort)|(?<=p)ass(?![a-z])|(?<=p)wd)
          |(?<=s)ecrets?|(?<=t)okens?|(?<=c)redentials?|(?<=a)pi[_-]?key|(?<=[_-]k)ey|(?<=s)ession[_-]?(?:id|key)
          |(?<=a)(?:ccess|uth)[_-]?key|(?<=p)rivate[_-]?key)
        (?:[A-Z0-9]\w{0,19}+)?+(?:[_-]\w{1,20}+)?+
        (?P<sign>["']?+\]?+\s{0,8}+(?:=>|:=|==?|:)\s{0,8}+|["'],\s{0,3}+(?=["'])|(?<=-password)\s{1,3}+)
        (?:(?P<quote>["'])(?P<quoted>(?:[^"'\\\n]|\\.|(?!(?P=quote))["']){1,300}+)(?P=quote)?
          |(?P<plain>[^\s"'`;,&()\[\]{}<>|]{1,400}+)(?P<call>[(\[{<]?)(?P<last>(?=[ \t]*+(?:\#|[\r\n]|\Z)))?)
    """,
    re.VERBOSE,
)
_NO_SECRET_KEY = re.compile(
    r"(?:text|primary|foreign|public|sort|cache|partition|group|row|unique|index|object|dict|json|natural)[_-]\Z", re.I
)
# What documents and code write in the place of a secret.
_PLACEHOLDER = re.compile(
    r"[\W_]*+|[x*.•]++|[<$%{«].*"
    r"|(?:your|my|the|an?|some|new|old|test|example|sample|dummy|fake|placeholder)[ _-][a-z _-]*+"
    r"|str(?:ing)?|text|none|null|true|false|required|optional|passwords?|secrets?|tokens?|bearer|hidden|redacted"
    r"|change[_-]?me|.*\.\.\.",
    re.IGNORECASE | re.DOTALL,
)
_CAMEL = re.compile(r"[a-z][A-Z]")
_DOTTED = re.compile(r"[A-Za-z_]\w*+(?:\.\w++)++|~?[\w.-]*+(?:/[\w.-]*+)++")


def holds_secret(text: str) -> bool:
    """Tell whether a text holds a secret of a format of the table. Reads only."""
    return any(literal in text and pattern.search(text) for _, _, literal, pattern in FORMATS)


def search_expression() -> str:
    """Return one regular expression for DuckDB that finds every text for which `holds_secret` is true, and few others.

    It is made from the same table. RE2 knows neither lookarounds nor possessive repetitions, and long repetitions make
    it slow: they become shorter or unbounded.
    """
    words, others = list[str](), list[str]()
    for _, _, literal, pattern in FORMATS:
        start, text = re.escape(literal), pattern.pattern
        bare = text.replace(rf"(?<![\w-]{start})", "", 1)
        text = re.sub(r"\(\?<!\[[^]]+\][^)]*\)|\(\?=[^)]*\)|\(\?<=(.*?)\)", r"\1", bare)
        text = re.sub(r"\(\?!\[\\w-\]\)\Z", r"(?:[^\\w-]|$)", text)
        text = re.sub(r"(?<!\\)([+*?}])\+", r"\1", text)
        text = re.sub(r"\{(\d+)(?:,\d*)?\}", lambda m: f"{{{min(int(m[1]), _SEARCHED)},}}", text)
        (others if bare == pattern.pattern else words).append(re.sub(r"\{(\d+),\}\Z", r"{\1}", text))
    return rf"(?:^|[^\w-])(?:{'|'.join(words)})|{'|'.join(others)}"


def redact(text: str) -> str:
    """Return `text` with every secret of a known format in it replaced. Reads only."""
    for _, _, literal, pattern in FORMATS:
        if literal in text:
            text = pattern.sub(HIDDEN, text)
    if ":/" in text and "@" in text:
        text = _URL.sub(_hide_in_url, text)
    if "=" in text or ":" in text or "," in text or "-password" in text:
        text = _SETTING.sub(_hide_setting, text)
    return _HEADER.sub(_hide_header, text)


def shorten(text: str, longest: int) -> str:
    """Return the first `longest` characters of `text`, secrets hidden. Reads only.

    Secrets are hidden first: half a token no longer looks like one. A text that is far too long is cut before that as
    well, between words, so that a cell of any size costs about the same.
    """
    if len(text) > 20 * longest:
        head = text[: 20 * longest]
        text = (head.rsplit(None, 1)[0] if any(c.isspace() for c in head) else head) + " …"
    text = redact(text)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _hide_in_url(match: re.Match[str]) -> str:
    word, at, rest = match[0].rpartition("@")
    slashes = len(word) - len(word.lstrip(":/"))
    colon = word.find(":", slashes)
    return f"{word[: colon + 1]}{HIDDEN}@{rest}" if at and colon >= 0 else match[0]


def _hide_header(match: re.Match[str]) -> str:
    secret = _is_random(match[2]) or _CAMEL.search(match[2])
    return match[0].removesuffix(match[2]) + HIDDEN if secret else match[0]


def _hide_setting(match: re.Match[str]) -> str:
    kind = "plain" if match["quoted"] is None else "quoted"
    value, before = match[kind], match.string[max(0, match.start() - 10) : match.start()]
    secret = _is_secret_value(match, value) and not _PLACEHOLDER.fullmatch(value.strip(".,;!?"))
    if not secret or _NO_SECRET_KEY.search(before):
        return match[0]
    start, end = match.span(kind)
    return match.string[match.start() : start] + HIDDEN + match.string[end : match.end()]


def _is_secret_value(match: re.Match[str], value: str) -> bool:
    """Whether the value of a setting is a secret, and not a word of a sentence or a call of a function."""
    if "://" in value:  # the password of a URL is hidden by now
        return False
    if match["quoted"] is not None:  # a password in quotes may hold blanks; a sentence in quotes is none
        words = len(value.split())
        return len(value) >= 4 and (
            words <= 6 if match["password"] else words == 1 and (_is_random(value) or len(value) > 23)
        )
    if match["call"]:
        return False
    if _is_random(value) or len(value) >= 60:
        return True
    # "password=word" is a setting, and so is "password: word" with nothing after it; else it may be prose.
    return bool(match["password"]) and ("=" in match["sign"] or (match["last"] is not None and len(value) >= 6))


def _is_random(value: str) -> bool:
    """Whether a word looks generated: digits or signs among letters, and it is no name with dots or slashes."""
    core = value.rstrip(".,:;!?")
    signs = any(c.isdigit() or c in "!@#$%^*+~" for c in core)
    random = len(core) >= 6 and signs and any(c.isalpha() for c in core)
    return random and (len(core) >= 30 or not _DOTTED.fullmatch(core))
