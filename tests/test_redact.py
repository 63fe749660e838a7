"""No secret of a known format is shown, ordinary text stays, and no text takes long."""

from __future__ import annotations

import base64
import json
import random
import string
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.database.sql import macros
from dbtools.errors import DbtoolsError
from dbtools.html import table
from dbtools.redact import FORMATS, HIDDEN, holds_secret, redact, shorten

SEEDS = range(20)
LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
KEY_NAMES = ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SECRET_KEY", "client_secret", "api_key", "apiKey")
PASSWORD_NAMES = ("password", "PASSWORD", "db_password", "passwd", "pwd", "DB_PASS", "PGPASSWORD", "passphrase")
SETTINGS = ("{}={}", "{}: {}", "{} = '{}'", '"{}": "{}"', "x {}={} y", "{{{}: {}}}", "--{}={}", "env['{}'] = '{}'")


class Maker:
    """Makes secrets at run time, so that no file holds one; each word is in two parts for the same reason."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def word(self, length: int, letters: str = LETTERS) -> str:
        return "".join(self.random.choice(letters) for _ in range(length))

    def base64(self, length: int) -> str:
        return base64.b64encode(self.random.randbytes(length)).decode()

    def tokens(self) -> Iterator[tuple[str, str]]:
        """Yield the name of a format and a secret that stands alone in a text."""
        w, crypt = self.word, LETTERS + "./"
        yield "argon2", "$argon" + f"2id$v=19$m=65536,t=3,p=4${w(22)}${w(43)}"
        yield "bcrypt", "$2" + f"b$12${w(53, crypt)}"
        yield "django", "pbkdf2" + f"_sha256$600000${w(22)}${self.base64(32)}"
        yield "passlib", "$pbkdf2" + f"-sha256$29000${w(22)}${w(43)}"
        yield "werkzeug", "scrypt" + f":32768:8:1${w(16)}${w(128, HEX)}"
        yield "sha512-crypt", "$6" + f"${w(16, crypt)}${w(86, crypt)}"
        yield "sha512-crypt with rounds", "$6" + f"$rounds=5000${w(16, crypt)}${w(86, crypt)}"
        yield "sha256-crypt", "$5" + f"${w(16, crypt)}${w(43, crypt)}"
        yield "md5-crypt", "$1" + f"${w(8, crypt)}${w(22, crypt)}"
        yield "apr1", "$apr1" + f"${w(8, crypt)}${w(22, crypt)}"
        yield "yescrypt", "$y" + f"$j9T${w(22, crypt)}${w(43, crypt)}"
        yield "ssha", "{SS" + "HA}" + self.base64(28)
        yield "jwt", "ey" + f"J{w(30)}.eyJ{w(60)}.{w(43)}"
        yield "openai", "sk" + f"-proj-{w(80)}"
        yield "anthropic", "sk" + f"-ant-api03-{w(93)}"
        yield "stripe", "sk" + f"_live_{w(24)}"
        yield "stripe test", "rk" + f"_test_{w(24)}"
        yield "stripe webhook", "wh" + f"sec_{w(32)}"
        yield "github", "gh" + f"p_{w(36)}"
        yield "github fine-grained", "github" + f"_pat_{w(22)}_{w(59)}"
        yield "gitlab", "gl" + f"pat-{w(20)}"
        yield "groq", "gs" + f"k_{w(52)}"
        yield "hugging face", "h" + f"f_{w(34)}"
        yield "xai", "xa" + f"i-{w(80)}"
        yield "replicate", "r" + f"8_{w(37)}"
        yield "perplexity", "pp" + f"lx-{w(48)}"
        yield "slack bot", "xo" + f"xb-{w(12, string.digits)}-{w(12, string.digits)}-{w(24)}"
        yield "slack app", "xa" + f"pp-1-A{w(10, UPPER)}-{w(13, string.digits)}-{w(64, HEX)}"
        yield "aws id", "AK" + f"IA{w(16, UPPER)}"
        yield "google api", "AI" + f"za{w(35)}"
        yield "google oauth secret", "GOC" + f"SPX-{w(28)}"
        yield "google oauth token", "ya" + f"29.{w(100)}"
        yield "npm", "np" + f"m_{w(36)}"
        yield "pypi", "py" + f"pi-AgEIcHlwaS5vcmc{w(120)}"
        yield "sendgrid", "S" + f"G.{w(22)}.{w(43)}"
        yield "digitalocean", "do" + f"p_v1_{w(64, HEX)}"
        yield "databricks", "da" + f"pi{w(32, HEX)}"
        yield "vault", "hv" + f"s.{w(95)}"
        yield "docker", "dc" + f"kr_pat_{w(27)}"
        yield "twilio", "S" + f"K{w(32, HEX)}"
        yield "shopify", "shp" + f"at_{w(32, HEX)}"
        yield "telegram", "bot" + f"{w(9, '123456789')}:AA{w(33)}"
        yield "age", "AGE-SECRET" + f"-KEY-1{w(58, UPPER)}"

    def settings(self) -> Iterator[tuple[str, str, str]]:
        """Yield the name of a format, a text around a secret, and the secret."""
        w, word, long = self.word, "Tr0ub" + self.word(6), self.word(39, LETTERS + "+/") + "7"
        for kind in ("RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""):
            lines = [w(64) for _ in range(6)]
            begin, end = f"-----BEGIN {kind}PRIVATE" + " KEY-----", f"-----END {kind}PRIVATE" + " KEY-----"
            yield f"{kind}key", "\n".join(["key:", begin, *lines, end, "after"]), lines[3]
            yield f"{kind}key in JSON", json.dumps({"k": "\n".join([begin, *lines, end])}), lines[3]
            yield f"{kind}key cut off", "\n".join([begin, *lines]), lines[5]
        yield "slack webhook", f"https://hooks.slack.com/services/T{w(8, UPPER)}/B{w(8, UPPER)}/{long}", long
        yield "azure", f"AccountName=x;AccountKey={(key := self.base64(64))};EndpointSuffix=core", key
        yield "bearer", f"Authorization: Bearer {long}", long
        yield "bearer in code", f"'authorization': 'bearer {long}'", long
        yield "basic", f"Authorization: Basic {(b := self.base64(30))}", b
        yield "x-api-key", f"curl -H 'X-Api-Key: {long}'", long
        for name in (
            "aws_secret_access_key",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY",
            "client_secret",
            "api_key",
            "apiKey",
        ):
            for text in (
                f"{name}={long}",
                f"{name} = '{long}'",
                f'"{name}": "{long}"',
                f"{name}: {long}",
                f"--{name} = {long}",
            ):
                yield text.replace(long, "…"), text, long
        for name in ("password", "PASSWORD", "db_password", "passwd", "pwd", "DB_PASS", "PGPASSWORD", "passphrase"):
            for text in (
                f"{name}={word}",
                f"{name}: {word}",
                f'"{name}": "{word}"',
                f"{name} = '{word}'",
                f"{{{name}: {word}}}",
            ):
                yield text.replace(word, "…"), text, word
        yield "password with blanks", f'"password": "two {word} words"', word
        yield "password with a quote", f'password = "it\'s {word}"', word
        yield "yaml", f"  db_password: correcthorse{(a := w(5, string.ascii_lowercase))}\n  port: 1", a
        yield "flag", f"mysql -u root --password {word} db", word
        yield "curl", f"curl -u admin:{word} https://example.org", word
        yield "URL", f"postgresql://user:{word}@host:5432/db", word
        yield "URL with an @", f"postgresql://user:p@{word}@host/db", word
        yield "URL with one slash", f"postgresql:/user:{word}@host/db", word
        yield "libpq", f"host=x password={word} user=y", word
        yield "pgpass", f"db.example.org:5432:prompter:me:{word}", word
        yield "netrc", f"machine example.org login me password {word}", word
        yield (
            "signed URL",
            f"https://x.blob.core.windows.net/c?sv=1&sig={long.replace('/', '%2F')}&se=2",
            long[:30].split("/")[0],
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_secret_is_hidden_wherever_it_stands(seed):
    for name, token in Maker(seed).tokens():
        for text in (token, f"see {token} here", f"({token})", f'{{"x": "{token}"}}', f"a\n{token}\nb", f"x={token};"):
            assert token not in redact(text), name
            assert HIDDEN in redact(text), name
        assert redact(f"before {token} after") == f"before {HIDDEN} after", name
    for name, text, secret in Maker(seed).settings():
        assert secret not in redact(text), (name, redact(text))


@pytest.mark.parametrize("seed", range(3))
def test_neither_a_cut_cell_nor_an_error_shows_a_part_of_a_secret(seed):
    import pandas as pd

    for name, token in Maker(seed).tokens():
        for before in (200, 230):
            text = "x " * (before // 2) + token
            shown = table(pd.DataFrame({"text": [text]})) + str(DbtoolsError("Cannot use", text)) + shorten(text, 240)
            assert token[len(token) // 2 :] not in shown, name
            assert token[: max(12, len(token) // 2)] not in shown, name


@pytest.mark.parametrize(
    "text",
    [
        "risk-adjusted-returns-of-1234567",
        "2025-12-04",
        "a" * 64,
        "$2 bills",
        "basket",
        "the password: at least eight characters",
        "passwords = many",
        "password = getpass.getpass()",
        'a "token": "see the manual for details"',
        "max_tokens=4096",
        "token: required",
        "password: ${DB_PASSWORD}",
        "api_key = os.environ['API_KEY']",
        "secretary: Bob",
        "passenger = Smith12",
        "text_key = 0e8400e29b41d4a716446655",
        "primary_key: user_id_2",
        "Basic understanding of internationalization",
        "the bearer of internationalization",
        "https://example.org/a:b",
        "me@example.org",
        "10:30@noon",
        "a password: none",
        "C:\\x@y",
        "disk-encryption-and-key-management",
        "sk-learn",
        "sk-learn-based-classifier-pipelines",
        "docker run -u 1000:1000 image",
    ],
)
def test_ordinary_text_is_not_hidden(text):
    assert redact(text) == text


def test_the_texts_of_the_demo_are_not_hidden():
    from dbtools import demo

    text = Path(demo.__file__).with_name("data").joinpath("texts.json").read_text("utf-8")
    assert redact(text) == text


def test_a_search_in_duckdb_finds_what_the_table_finds():
    import duckdb

    texts = [text for seed in range(3) for _, token in Maker(seed).tokens() for text in (token, f"x ({token}), y")]
    texts += [text for seed in range(3) for _, text, _ in Maker(seed).settings()]
    texts += [
        text for form in FORMATS for text in (form.literal, f"{form.literal}{'x' * 60}", f"a{form.literal}{'9' * 60}")
    ]
    with duckdb.connect() as connection:
        connection.execute(macros())
        connection.execute("CREATE TABLE texts AS SELECT unnest(?) AS t", [texts])
        kept = {t for (t,) in connection.execute("SELECT t FROM texts WHERE may_hold_secret(t)").fetchall()}
    wanted = {text for text in texts if holds_secret(text)}
    assert len(wanted) > 400
    assert wanted <= kept
    assert sum(holds_secret(text) for text in kept) > 0.5 * len(kept)


def test_a_secret_is_found_beside_letters_that_are_not_ascii():
    token = "sk" + "-proj-" + Maker(1).word(40)
    assert redact(f"密钥{token}。") == f"密钥{HIDDEN}。"
    assert redact(f"clé{token}") == f"clé{HIDDEN}"


def test_every_format_names_its_source_and_needs_its_literal():
    for form in FORMATS:
        assert form.source and form.literal
        assert not form.pattern.search("")


UNITS = ["a", "9", " ", "=", ":", "a.", "a.b/", "p", "pass", "password=", "password: ", "password='\\", "password=\"'"]
UNITS += ["token=a(", "key=", "_key", "a://b:c@ ", ":/a", "Bearer a", "-----BEGIN PRIVATE KEY-----", "-----", "-u "]
UNITS += [form.literal + rest for form in FORMATS for rest in ("", "a", "a.b-c_1")]


@pytest.mark.slow
def test_the_time_grows_with_the_length_of_the_text_only():
    def cost(unit: str, size: int) -> float:
        text, start = (unit * size)[:size], time.process_time()
        redact(text)
        return time.process_time() - start

    for unit in dict.fromkeys(UNITS):
        small = min(cost(unit, 4_000) for _ in range(2))
        assert cost(unit, 40_000) < 30 * max(small, 0.002), unit


def test_one_word_of_a_million_letters_is_read_in_a_moment():
    start = time.process_time()
    assert redact("x" * 1_000_000) == "x" * 1_000_000
    assert time.process_time() - start < 2
    start = time.process_time()
    assert len(shorten("sk-" + "x" * 50_000_000, 240)) <= 240
    assert time.process_time() - start < 0.5
