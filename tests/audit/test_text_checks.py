"""The checks that read texts, on lists of texts that they must and must not find."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from dbtools.audit.checks import checks
from dbtools.database.sql import macros

QUERIES = {check.id: check.query for check in checks()}
GERMAN, POLISH = "Größe für alle Übungen, Äpfel und Öl", "Zażółć gęślą jaźń"
SOUND = (
    GERMAN,
    POLISH,
    "Привет мир",
    "Ελληνικά",
    "中文提示",
    "Nice 😀",
    "naïve café",
    "it’s “quoted” — yes…",
    "INFORMACIÓN",
)
NO_MOJIBAKE = (
    "«été»",
    "Spaß“ und „groß“",
    "MAÇÃ — fruit",
    "NÃO “SIM”",
    "20 °C",
    "là…»",
    "São Paulo",
    "Île–de–France",
    "Å",
)

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I’m really sorry, but I cannot create this",
    "I cannot fulfill this request.",
    "I can’t assist with that.",
    "As an AI language model, I cannot provide that",
    "As an AI, I'm not able to help with this",
    "I'm unable to help with that",
    "Unfortunately, I can't assist with this.",
    "I must decline this request",
    "I'm sorry, but as an AI I cannot help",
    "Es tut mir leid, aber ich kann dabei nicht helfen",
    "Lo siento, pero no puedo ayudar con eso",
)
NO_REFUSALS = (
    "Explain how to say I'm sorry, but I can't help",
    "Write a polite refusal: I cannot help",
    "I can't log in to my account. Explain what to check.",
    "I can't create a virtual environment on Windows; explain how to fix it",
    "I'm sorry I was late. Draft an apology.",
    "Unfortunately my build fails. Find out why.",
    "As an AI engineer, I cannot find good papers; list ten.",
)
PASSWORDS = (
    "my password is hunter2",
    "password: Hunter2!",
    "DB_PASSWORD='s3cretValue'",
    "Passwort: geheim99",
    "the password for the server is hunter2",
    "password is 123456",
    "log in as bob with password 'Qwerty!1'",
    "user: bob / pass: s3cret99",
    "my passcode is 4711",
    "use postgres://admin:pa55word@db/x",
)
NO_PASSWORDS = (
    "Write a password checker",
    "password: {password}",
    "the password is required",
    "password must be 12 characters",
    "password is 8-16 characters long",
    "password = os.environ['DB_PASSWORD1']",
    "password: ${DB_PASSWORD1}",
    "password: sha256 hashed",
    "def login(user: str, password: str)",
    "https://example.com:8080/path@x",
    "passport: A1234567",
    "passwords: 10 tips",
)


def found(check: str, texts: Sequence[str], sources: Sequence[str] = ()) -> list[str]:
    """Return the texts of versions that a check finds."""
    with duckdb.connect() as connection:
        connection.execute(macros())
        measured = "row_id AS id, *, length(text) AS text_length, text_key(text) AS text_key"
        connection.execute("CREATE TABLE security_inputs (input_text VARCHAR, row_id INT)")
        connection.execute("CREATE TABLE given (row_id INT, text VARCHAR, source VARCHAR)")
        given = [(n, text, (sources or ["syntax"] * len(texts))[n]) for n, text in enumerate(texts)]
        connection.executemany("INSERT INTO given VALUES (?, ?, ?)", given)
        connection.execute(f"CREATE VIEW versions AS SELECT {measured} FROM given")
        connection.execute("CREATE VIEW prompts AS SELECT *, text AS original_text FROM versions WHERE false")
        answer = connection.execute(QUERIES[check])
        if "row_id" not in [column[0] for column in answer.description]:
            return [str(row[0]) for row in answer.fetchall()]
        return [texts[row[-1]] for row in answer.fetchall()]


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        ("refusal-text", REFUSALS, NO_REFUSALS),
        ("password-in-text", PASSWORDS, NO_PASSWORDS),
        (
            "email-in-text",
            ("write to jane.doe@example.org",),
            ("@decorator", "a @ b", "user@host", "what is @media (x.y)?"),
        ),
    ],
)
def test_a_check_of_texts_finds_these_and_not_those(check, bad, good):
    assert found(check, bad + good) == list(bad)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_mojibake_of_many_languages_is_found_and_the_languages_are_not(encoding):
    broken = []
    for text in SOUND:
        letters = (bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in text.encode())
        broken.append("".join(letters))
    assert found("mojibake", [*broken, *SOUND, *NO_MOJIBAKE, "lost \ufffd"]) == [*broken, "lost \ufffd"]


@pytest.mark.parametrize(
    ("texts", "sources", "ids"),
    [
        ([f"{n} {'word ' * 40}"[:120] for n in range(6)], (), ["versions of 120 characters"]),
        ([f"{n} {'word ' * 40}"[:117] + "..." for n in range(6)], (), ["versions of 120 characters"]),
        ([f"{n} {'word ' * 40}"[:119] + "." for n in range(6)], (), []),
        ([f"{n} {'word ' * 40}"[: 100 + n] for n in range(6)], (), []),
        (
            [*(f"{n} {'word ' * 40}"[:90] for n in range(5)), "A longer text of another agent, " * 5],
            [*["syntax"] * 5, "domain"],
            ["versions by syntax of 90 characters"],
        ),
    ],
)
def test_texts_cut_at_one_length_are_found_by_their_open_ends(texts, sources, ids):
    assert found("cut-texts", texts, sources) == ids


def test_spellings_of_an_agent_are_found_whichever_white_space_and_hyphen_they_have():
    sources = [
        "structure",
        "structure",
        "Structure",
        "structure ",
        "struc-ture",
        "structure\t",
        "domain",
        "multi_agent",
    ]
    spellings = ["Structure", "struc-ture", "structure\t", "structure "]
    assert sorted(found("agent-name-differs", ["x"] * len(sources), sources)) == sorted(spellings)
