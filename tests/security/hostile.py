"""A project in which every text is an attack and every column that nobody may read holds a canary."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from support import GENERATIONS, USERS, insert, make_database

from dbtools.database import schema

# What a browser runs, if it reaches a page as it is. Each tells the page around it, so that running is noticed.
PAYLOADS = (
    "<script>top.postMessage('ran script','*')</script>",
    "<img src=x onerror=\"top.postMessage('ran img','*')\">",
    "\"><svg onload=\"top.postMessage('ran svg','*')\">",
    "'><details open ontoggle=\"top.postMessage('ran details','*')\">",
    "</style></script><script>top.postMessage('ran break-out','*')</script>",
    "--><iframe srcdoc=\"<script>top.postMessage('ran iframe','*')</script>\">",
    "]]></title><body onload=top.postMessage('ran-body','*')>",
    "[x](javascript:top.postMessage('ran-link','*')) <a href=\"javascript:top.postMessage('ran a','*')\">x</a>",
    "{{7*7}} ${7*7} <style>@import 'http://127.0.0.1/x'</style>",
)
MARK = "top.postMessage"
_payload = itertools.cycle(PAYLOADS)

EXTRA = ("reviewer_email", "api_key", "ip_address")  # columns of a later version of the application
_TEXTS = {table.name: [c.name for c in table.columns if c.kind == "text"] for table in schema.TABLES}


def plant(path: Path, prefix: str, *, attack: bool = False) -> dict[str, str]:
    """Put canaries into every column of a database that is not on the list; returns where each one is.

    Changes files: `path`. With `attack`, texts, names of tables and names of columns become payloads too.
    """
    placed: dict[str, str] = {}

    def canary(place: str) -> str:
        name = f"canary{prefix}{len(placed):03d}q"
        placed[name] = f"{path.name} {place}"
        return name

    with closing(sqlite3.connect(path)) as connection, connection:
        tables = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for column in EXTRA:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
                connection.execute(f"UPDATE {table} SET {column} = ?", [canary(f"{table}.{column}")])
        if "users" not in tables:
            connection.executescript(USERS)
        names = [r[1] for r in connection.execute("PRAGMA table_info(users)")]
        for number in (1, 2):
            row = {n: canary(f"users.{n}") for n in names if n not in ("id", "is_active", "is_verified")}
            insert(connection, "users", id=number + 70, **row)
        # Tables that nobody knows: one for credentials, one whose column is called like one that may be read.
        connection.execute("CREATE TABLE sessions (token TEXT, original_text TEXT)")
        insert(connection, "sessions", token=canary("sessions.token"), original_text=canary("sessions.original_text"))
        connection.execute("CREATE VIEW peek AS SELECT * FROM users")
        if attack:
            _attack(connection, [t for t in tables if t in _TEXTS])
    return placed


def _attack(connection: sqlite3.Connection, tables: list[str]) -> None:
    for table in tables:
        here = {r[1] for r in connection.execute(f"PRAGMA table_info({table})")}
        for column in here & set(_TEXTS[table]):
            rows = [r for (r,) in connection.execute(f"SELECT rowid FROM {table}")]
            # Some rows keep a sound source, so that there are contests to report on.
            for row in rows[:: 2 if column in ("source", "user_choice", "label") else 1]:
                value = next(_payload)
                if column in ("explanation", "feedback", "analysis_metadata"):
                    value = f'{{"summary": "{value.replace(chr(34), chr(39))}", "agent": "{MARK}"}}'
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [value, row])
        index = f"{next(_payload)} of {table}".replace('"', '""')
        connection.execute(f'CREATE INDEX "{index}" ON {table} ({EXTRA[0]})')
    for payload in PAYLOADS:
        quoted = '"' + payload.replace('"', '""') + '"'
        connection.execute(f"CREATE TABLE {quoted} ({quoted} TEXT, b TEXT)")
        connection.execute(f"INSERT INTO {quoted} VALUES (?, ?)", [payload, payload])


def file_name(payload: str) -> str:
    """Return a payload as a file may be called: without a slash."""
    return payload.replace("/", "\u2215")[:200]


def build(root: Path) -> dict[str, str]:
    """Build the project; returns every canary and where it was put."""
    root.mkdir()
    (root / "storage").mkdir()
    (root / "old").mkdir()
    placed: dict[str, str] = {}
    make_database(root / "prompter.db", prompts=8)
    for n, generation in enumerate(GENERATIONS):
        placed |= plant(make_database(root / "old" / f"{generation}.db", generation, n % 2 > 0), f"{generation}x")
    for name in ("auth_system.db", "old/auth_system.db"):
        with closing(sqlite3.connect(root / name)) as connection:
            connection.executescript(USERS)
        placed |= plant(root / name, "auth" if "/" not in name else "copy")
    placed |= plant(root / "prompter.db", "main", attack=True)
    shutil.copy(root / "prompter.db", root / "old" / "copy.db")
    damaged = bytearray((root / "prompter.db").read_bytes())
    damaged[3 * 4096 : 3 * 4096 + 300] = b"\xff" * 300
    (root / "old" / "damaged.db").write_bytes(damaged)
    header = "prompt_id,version_no,version_uuid,text,source,explanation,timestamp"
    cells = ['"' + payload.replace('"', '""') + '"' for payload in PAYLOADS]
    rows = "\n".join(",".join((cell, str(n), *[cell] * 6)) for n, cell in enumerate(cells))
    for payload, cell in zip(PAYLOADS[:4], cells, strict=False):
        (root / "storage" / f"{file_name(payload)}.csv").write_text(f"{header},{cell}\n{rows}\n", encoding="utf-8")
    for payload in PAYLOADS[4:6]:
        shutil.copy(root / "old" / "G0.db", root / "old" / f"{file_name(payload)}.db")
    _write_config(root)
    os.utime(root / "prompter.db", (1_760_000_000, 1_760_000_000))
    return placed


def _write_config(root: Path) -> None:
    texts = [payload.replace("\\", "\\\\").replace('"', '\\"') for payload in PAYLOADS]
    names = ", ".join(f'"{t.replace("/", "|")}"' for t in texts)
    counts = "\n".join(f'"{t}" = 1' for t in texts)
    (root / "dbtools.toml").write_text(
        f"[expect]\npresent = [{names}]\n[expect.rows]\n{counts}\n[expect.versions_by_source]\n{counts}\n"
    )
    (root / "guide.md").write_text(
        "# Delete\n"
        + "\n".join(
            f"- `prompter.db` {p} has 15 {p} prompts, versions ({p.split()[0]}, x agents)\n"
            f"- **{p}.csv** (5 KB) DELETE\n```\nSELECT COUNT(*) FROM prompts {p}; -- should return 15\n```"
            for p in PAYLOADS
        )
    )
