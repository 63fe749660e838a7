"""One defect for each check: what to do to a sound project, how many rows its check must find, what else it implies."""

from __future__ import annotations

import csv
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sound import git
from support import USERS, hex_id

PROMPT, OTHER = hex_id("prompt", 1), hex_id("prompt", 2)
V1, V2, V3 = (hex_id("version", 1, agent) for agent in ("syntax", "structure", "domain"))
NOTHING = hex_id("nothing")
KEY = "gsk_" + "a1B2" * 8
DIMENSIONS = "clarity = {0}, specificity = {0}, actionability = {0}, structure = {0}, context_use = {0}"
COPY_SCORE = (
    "INSERT INTO judge_scores SELECT '{}', prompt_version_id, clarity, specificity, actionability, structure, "
    "context_use, feedback, created_at FROM judge_scores WHERE rowid = 1"
)


_TARGET = re.compile(r"(?:UPDATE|INSERT INTO|DELETE FROM|DROP TABLE|ALTER TABLE|CREATE TABLE) (\w+)")
_ONE_VERSION = re.compile(r"UPDATE prompt_versions SET [^;]* WHERE id = '(\w+)'")


@dataclass(frozen=True)
class Defect:
    """A statement on the prompter database, or something to do to the project's folder."""

    do: str | Callable[[Path], object]
    count: int = 1
    implied: frozenset[str] = frozenset()

    @property
    def touches(self) -> set[str]:
        """What it changes: tables of the prompter database or one version in it, or other files."""
        if callable(self.do):
            return {"files"}
        one = _ONE_VERSION.fullmatch(self.do)
        return {f"prompt_versions {one[1]}"} if one else set(_TARGET.findall(self.do))

    def inject(self, root: Path, database: Path) -> None:
        if callable(self.do):
            self.do(root)
            return
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.executescript(self.do)


def version(change: str, version_id: str = V1) -> str:
    return f"UPDATE prompt_versions SET {change} WHERE id = '{version_id}'"


def of(prompt: int, agent: str = "syntax") -> str:
    """Return the id of the version that an agent wrote of a prompt."""
    return hex_id("version", prompt, agent)


def score(change: str, row: int = 1) -> str:
    return f"UPDATE judge_scores SET {change} WHERE rowid = {row}"


def new_prompts(*ids: str, created_at: str = "2025-12-05 10:00:00") -> str:
    return "".join(
        f"INSERT INTO prompts (id, user_id, original_text, created_at) "
        f"VALUES ('{id_}', '1', 'New question {n}', '{created_at}');"
        for n, id_ in enumerate(ids)
    )


def scored_prompts(number: int, values: str, since: str = "2025-12-05") -> str:
    """Add prompts, each a version of one agent with a score; `values` may use ``n``, the number of the prompt."""
    return f"""
CREATE TEMP TABLE numbers AS
  WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {number})
  SELECT n, '{since[-2:]}' || printf('%030x', n) AS id, printf('{since} 10:%02d:%02d', n / 60, n % 60) AS at
  FROM counted;
INSERT INTO prompts (id, user_id, original_text, created_at) SELECT id, '1', 'Question {since} ' || n, at FROM numbers;
INSERT INTO prompt_versions SELECT id, id, 1, 'Better question {since} ' || n, '{{}}', 'syntax', at, NULL, 'other', 0
  FROM numbers;
INSERT INTO judge_scores SELECT id, id, {values}, '{{}}', at FROM numbers;
INSERT INTO best_heads SELECT prompt_version_id, prompt_version_id,
  clarity + specificity + actionability + structure + context_use, at
  FROM judge_scores AS s JOIN numbers AS n ON n.id = s.prompt_version_id;
DROP TABLE numbers;
"""


def dashed(text: str) -> str:
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def truncate(root: Path) -> None:
    shutil.copy(root / "packages/db/prompter.db", root / "old.db")
    with (root / "old.db").open("r+b") as handle:
        handle.truncate(handle.seek(0, 2) - 100)


def append_bytes(path: Path, more: bytes) -> None:
    with path.open("ab") as handle:
        handle.write(more)


def second_auth(root: Path, statement: str = "") -> None:
    (root / "backend").mkdir()
    shutil.copy(root / "auth_system.db", root / "backend/auth_system.db")
    with closing(sqlite3.connect(root / "backend/auth_system.db")) as connection, connection:
        connection.executescript(statement)


def append(name: str, line: str) -> Callable[[Path], object]:
    def do(root: Path) -> None:
        with (root / "storage" / name).open("a") as handle:
            handle.write(line + "\r\n")

    return do


def create(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda root: (root / name).write_bytes(content)


def logged(**changes: object) -> Callable[[Path], object]:
    """Change cells of the first request in the multi-agent log."""

    def do(root: Path) -> None:
        path = root / "storage/multi_agent_log.csv"
        with path.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        rows[0] |= {name: str(value) for name, value in changes.items()}
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    return do


def defect(do: str | Callable[[Path], object], count: int = 1, implied: Iterable[str] = ()) -> Defect:
    return Defect(do, count, frozenset(implied))


LOGS = ("csv-unique-rows",)  # the logs hold the text that the defect changed
DEFECTS = {
    "file-empty": defect(create("copy.db", b"")),
    "not-a-database": defect(create("copy.db", b"version https://git-lfs.github.com/spec/v1\n")),
    "truncated": defect(truncate, implied=["integrity"]),
    "trailing-bytes": defect(lambda root: append_bytes(root / "auth_system.db", b"\0" * 5000)),
    "live-sidecar": defect(create("auth_system.db-wal", b"x")),
    "foreign-keys": defect(
        f"UPDATE user_feedback SET prompt_id = '{NOTHING}' WHERE rowid = 1", implied=["orphan-feedback"]
    ),
    "tracked-by-git": defect(lambda root: git(root, "add", "--force", "storage/prompt_versions.csv")),
    "copies": defect(second_auth),
    "wrong-place": defect(create(".env", b"A=1\nDATABASE_URL='sqlite:///./prompter.db'\n")),
    "csv-malformed": defect(append("multi_agent_log.csv", "a,b"), implied=LOGS),
    "csv-unread": defect(lambda root: os.truncate(root / "storage/prompt_versions.csv", 257 << 20)),
    "schema-generation": defect("DROP TABLE token_usage", implied=["wrong-place"]),
    "schema-drift": defect("ALTER TABLE prompts ADD COLUMN mood TEXT"),
    "foreign-table": defect(USERS),
    "unreadable-cells": defect("UPDATE token_usage SET prompt_tokens = 'many' WHERE rowid = 1"),
    "generated-source": defect(version("source = 'synthetic_generator'"), implied=LOGS),
    "generated-feedback": defect(score("feedback = '{\"synthetic\": true}'")),
    "generated-explanation": defect(version("explanation = '{\"synthetic\": true}'", of(2))),
    "generated-user": defect(
        f"UPDATE prompts SET user_id = 'test_user_1' WHERE id = '{PROMPT}'", implied=["unknown-user"]
    ),
    "generated-text": defect(version("text = text || ' [v1]'", of(3)), implied=LOGS),
    "creation-burst": defect(
        new_prompts(*(hex_id("new", n) for n in range(5))), 5, ["prompt-without-versions"]
    ),
    "sample-text": defect(
        f"UPDATE prompts SET original_text = 'EXPLAIN topic  number 1' WHERE id = '{OTHER}'", implied=LOGS
    ),
    "placeholder-run": defect(version("explanation = '{\"improvements\": [\"Unable to parse response\"]}'", of(4))),
    "heuristic-score": defect(
        score("feedback = '{\"summary\": \"Heuristic scoring (fallback mode).\"}'"), implied=["mixed-scales"]
    ),
    "flat-scores": defect(score(DIMENSIONS.format(6.5))),
    "constant-head": defect("UPDATE best_heads SET score = 40", 6, ["head-score-differs"]),
    "error-text": defect(version("text = 'Error code: 429 - wait'", of(5)), implied=["change-type-differs", *LOGS]),
    "orphan-version": defect(
        "INSERT INTO prompt_versions SELECT '0' || substr(id, 2), '0' || substr(prompt_id, 2), 1, text, explanation, "
        f"source, created_at, NULL, 'other', 0 FROM prompt_versions WHERE id = '{V1}'",
        implied=["foreign-keys", "unscored-version"],
    ),
    "orphan-score": defect(
        f"DELETE FROM prompt_versions WHERE id = '{V1}'",
        implied=["foreign-keys", "orphan-usage", "parent-missing", "version-gap", *LOGS],
    ),
    "orphan-head": defect(
        f"UPDATE best_heads SET prompt_version_id = '{NOTHING}' WHERE prompt_id = '{PROMPT}'", implied=["foreign-keys"]
    ),
    "orphan-feedback": defect(
        f"UPDATE user_feedback SET prompt_id = '{NOTHING}' WHERE rowid = 1", implied=["foreign-keys"]
    ),
    "orphan-usage": defect(
        f"UPDATE token_usage SET prompt_version_id = '{NOTHING}' WHERE rowid <= 2", 2, ["foreign-keys"]
    ),
    "head-of-other-prompt": defect(
        f"UPDATE best_heads SET prompt_version_id = '{hex_id('version', 2, 'domain')}' WHERE prompt_id = '{PROMPT}'",
        implied=["head-score-differs"],
    ),
    "parent-missing": defect(version(f"parent_version_id = '{NOTHING}'", V2), implied=["foreign-keys"]),
    "parent-of-other-prompt": defect(
        version(f"parent_version_id = '{hex_id('version', 2, 'syntax')}'", V2), implied=["child-not-younger"]
    ),
    "parent-self": defect(version(f"parent_version_id = '{V1}'")),
    "parent-cycle": defect(version(f"parent_version_id = '{V3}'"), 3, ["child-not-younger"]),
    "child-not-younger": defect(version("created_at = '2025-12-04 10:02:00.5'", of(2, "structure"))),
    "version-before-prompt": defect(version("created_at = '2025-12-04 10:00:59.999999'")),
    "score-before-version": defect(score("created_at = '2025-12-04T10:01:00Z'")),
    "future-timestamp": defect("UPDATE best_heads SET updated_at = '2999-12-31 00:00:00' WHERE rowid = 1"),
    "bad-timestamp": defect("UPDATE best_heads SET updated_at = 'yesterday' WHERE rowid = 1"),
    "duplicate-version-no": defect(version("version_no = 2"), implied=["version-gap"]),
    "version-gap": defect(version("version_no = 7", V3)),
    "duplicate-id": defect(new_prompts(dashed(PROMPT), created_at="2025-12-04 10:01:00"), implied=["mixed-id-format"]),
    "mixed-id-format": defect(version(f"parent_version_id = '{dashed(V1)}'", V2), implied=["foreign-keys"]),
    "prompt-without-versions": defect(new_prompts(hex_id("new"))),
    "prompt-without-head": defect("DELETE FROM best_heads WHERE rowid = 1"),
    "noop-version": defect(
        version("text = 'Explain topic number 1'"), implied=["change-type-differs", *LOGS]
    ),
    "blank-text": defect("UPDATE security_inputs SET input_text = ' \n' WHERE rowid = 1"),
    "unknown-user": defect("UPDATE security_inputs SET user_id = '99' WHERE rowid = 1"),
    "ambiguous-user": defect(
        lambda root: second_auth(root, "UPDATE users SET username = 'somebody' WHERE id = 1"), implied=["copies"]
    ),
    "score-out-of-scale": defect(score("clarity = -0.5"), implied=["mixed-scales"]),
    "score-not-a-number": defect(score("clarity = 'N/A'")),
    "mixed-scales": defect(
        score("feedback = '{\"summary\": \"Heuristic scoring (fallback mode).\"}'", row=4), implied=["heuristic-score"]
    ),
    "stuck-judge": defect(scored_prompts(25, "6, 7, 8, 5, 6")),
    "scale-changed": defect(
        scored_prompts(12, "0.6, 0.7, 0.8, 0.5, 0.01 * n", since="2025-12-05")
    ),
    "judge-drift": defect(
        scored_prompts(60, "3, 2, 1, 4, 0.01 * n")
        + scored_prompts(60, "8, 9, 8, 9, 0.01 * n", since="2025-12-06")
    ),
    "cut-texts": defect(
        "UPDATE prompt_versions SET text = substr(text || printf('%0500d', rowid), 1, 300), change_type = 'other' "
        "WHERE rowid <= 6",
        implied=LOGS,
    ),
    "mojibake": defect(version("text = text || ' fÃ¼r alle'", of(6)), implied=LOGS),
    "email-in-text": defect(version("text = text || ', for jane.doe@example.org'", of(2)), implied=LOGS),
    "password-in-text": defect(version("text = text || ', my password is hunter2'", of(5)), implied=LOGS),
    "refusal-text": defect(
        version("text = 'I''m sorry, but I can''t help with that.'", of(3)), implied=["change-type-differs", *LOGS]
    ),
    "agent-name-differs": defect(version("source = 'Syntax '", of(4))),
    "shared-request-id": defect(
        f"UPDATE prompts SET request_id = (SELECT request_id FROM prompts WHERE id = '{PROMPT}') WHERE id = '{OTHER}'",
        implied=["feedback-inconsistent"],
    ),
    "vote-for-absent-agent": defect(
        "UPDATE user_feedback SET agent_winner = 'nobody', judge_winner = 'nobody' WHERE user_choice = 'multi' "
        "AND rowid = 3"
    ),
    "vote-before-prompt": defect("UPDATE user_feedback SET created_at = '2025-12-03 00:00:00' WHERE rowid = 1"),
    "same-text-by-agents": defect(
        version(f"text = (SELECT text FROM prompt_versions WHERE id = '{V1}')", V3), implied=LOGS
    ),
    "unscored-version": defect("DELETE FROM judge_scores WHERE rowid = 1"),
    "multi-scored-version": defect(COPY_SCORE.format(hex_id("second score"))),
    "head-not-best": defect(
        f"UPDATE best_heads SET prompt_version_id = '{V1}', score = (SELECT clarity + specificity + actionability + "
        f"structure + context_use FROM judge_scores WHERE prompt_version_id = '{V1}') WHERE prompt_id = '{PROMPT}'",
        implied=["head-not-best-of-all"],
    ),
    "head-not-best-of-all": defect(
        version("source = 'multi_agent'") + ";" + score("clarity = 10, specificity = 10, actionability = 9.5")
        + ";" + score("structure = 9, context_use = 9")
    ),
    "head-score-differs": defect(f"UPDATE best_heads SET score = 39 WHERE prompt_id = '{PROMPT}'"),
    "head-unscored": defect(
        f"DELETE FROM judge_scores WHERE prompt_version_id = '{V3}'", implied=["unscored-version"]
    ),
    "selected-agent-differs": defect(version("explanation = '{\"selected_agent\": \"syntax\"}'", of(2))),
    "change-magnitude-out-of-range": defect(version("change_magnitude = 1.5", of(5))),
    "change-type-unknown": defect(version("change_type = 'tone'", of(6))),
    "change-type-differs": defect(version("change_type = 'structure'", V2)),
    "feedback-tautology": defect(
        "UPDATE user_feedback SET agent_winner = 'template', judge_correct = 0 WHERE user_choice = 'single'"
    ),
    "feedback-inconsistent": defect("UPDATE user_feedback SET judge_correct = 1 - judge_correct WHERE rowid = 1"),
    "duplicate-feedback": defect(
        f"INSERT INTO user_feedback SELECT '{hex_id('again')}', request_id, user_id, prompt_id, user_choice, "
        "judge_winner, agent_winner, judge_correct, created_at FROM user_feedback WHERE rowid = 1"
    ),
    "tokens-do-not-add": defect("UPDATE token_usage SET total_tokens = total_tokens + 1 WHERE rowid = 1"),
    "negative-cost": defect("UPDATE token_usage SET cost_usd = -cost_usd WHERE rowid = 1"),
    "cost-differs": defect("UPDATE token_usage SET cost_usd = 2 * cost_usd WHERE rowid = 1"),
    "unpriced-model": defect("UPDATE token_usage SET model = 'oracle-9b' WHERE rowid <= 3"),
    "repeated-usage": defect(
        f"INSERT INTO token_usage SELECT '{hex_id('again')}', prompt_version_id, prompt_tokens, completion_tokens, "
        "total_tokens, model, cost_usd, created_at FROM token_usage WHERE rowid = 1"
    ),
    "risk-out-of-range": defect("UPDATE security_inputs SET risk_score = 120 WHERE risk_score = 85 AND rowid < 3"),
    "label-differs": defect("UPDATE security_inputs SET label = 'safe' WHERE rowid = 1"),
    "blocked-differs": defect("UPDATE security_inputs SET is_blocked = 1 WHERE rowid = 1"),
    "bad-json": defect(score("feedback = '[1, NaN]'")),
    "credentials-in-database": defect(
        USERS + "INSERT INTO users (id, username, email, hashed_password, login_ip_history) VALUES "
        "(1, 'a', 'b', 'hash', '[]'), (2, 'c', 'd', '', '')",
        implied=["foreign-table", "ambiguous-user"],
    ),
    "credentials-in-git": defect(lambda root: git(root, "add", "--force", "auth_system.db"), 6, ["tracked-by-git"]),
    "secret-in-text": defect(f"UPDATE security_inputs SET input_text = 'my key is {KEY}' WHERE rowid = 1"),
    "secret-in-csv": defect(create("storage/keys.csv", f"name,value\nkey,{KEY}\n".encode())),
    "csv-unique-rows": defect(append("prompt_versions.csv", "x,1,y,Something else,syntax,{},t")),
    "csv-unique-demo-rows": defect(
        create("storage/my_learning_log.csv", b"prompt_id,llm_name,prompt,original_response\n001,GPT-4,What now,This\n")
    ),
    "csv-vote-differs": defect(logged(structure_score=5.0)),
    "csv-selected-not-best": defect(logged(selected_agent="syntax"), implied=LOGS),
    "csv-tie": defect(
        logged(
            structure_score=7.0, structure_confidence=0.7, domain_score=7.0, domain_confidence=0.7,
            vote_breakdown='{"syntax": 2.5, "structure": 4.9, "domain": 4.9}',
        )
    ),
}  # fmt: skip


def groups() -> list[tuple[str, ...]]:
    """Put the defects that do not disturb each other together, so that one audit shows several."""
    found: list[list[str]] = []
    for name in DEFECTS:
        group = next((g for g in found if not any(_disturb(name, other) for other in g)), None)
        if group is None:
            found.append([name])
        else:
            group.append(name)
    return [tuple(group) for group in found]


def _disturb(one: str, other: str) -> bool:
    first, second = DEFECTS[one], DEFECTS[other]
    return bool(
        any(a.startswith(b) or b.startswith(a) for a in first.touches for b in second.touches)
        or (first.implied | _changed_logs(first)) & {other}
        or (second.implied | _changed_logs(second)) & {one}
    )


def _changed_logs(defect: Defect) -> set[str]:
    """The logs still hold what a statement on the database changed."""
    return set() if callable(defect.do) else set(LOGS)
