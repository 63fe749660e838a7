"""Read the checkable statements of a cleanup guide in Markdown: one pattern for each form of statement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from posixpath import basename, normpath

_PATH = r"`?(?:\./)?(?P<path>[^\s`*|()\[\]<>:$\"']+\.(?:db|sqlite3?|csv)(?:\.\w+)*)`?(?![\w/])"
_SIZE = r"(?P<about>~|≈|about |approx\.? )?\s*(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?P<unit>bytes|B|[KMG]i?B)\b"
_WORDS = r"(?P<words>(?:[A-Za-z_][\w/-]*\s+){0,3}?)"
# The names that guides use for the rows of a table, longer names first; "" means the rows of the current file.
NOUNS = {
    "prompt versions": "prompt_versions",
    "prompt_versions": "prompt_versions",
    "versions": "prompt_versions",
    "judge scores": "judge_scores",
    "judge_scores": "judge_scores",
    "scores": "judge_scores",
    "best head selections": "best_heads",
    "best heads": "best_heads",
    "best_heads": "best_heads",
    "heads": "best_heads",
    "security inputs": "security_inputs",
    "security_inputs": "security_inputs",
    "user_feedback": "user_feedback",
    "token_usage": "token_usage",
    "user accounts": "users",
    "users": "users",
    "accounts": "users",
    "prompts": "prompts",
    "requests": "",
    "records": "",
    "entries": "",
    "rows": "",
}
_NOUN = rf"(?P<noun>{'|'.join(NOUNS)})\b(?!\s+per\b)"

FENCE = re.compile(r"\s*(```|~~~)")
HEADING = re.compile(r"\s*#{1,6}\s+(?P<text>.*)")
RULE = re.compile(r"\s*([-*_])(\s*\1){2,}\s*$")
# A line is about a file when its first word, after the characters of a list, heading, table or tree, is the file.
ITEM = re.compile(rf"\s*(?:[-*+|]\s+|\d+[.)]\s+|#+\s+)?(?:[✅❌]\s*)?\**\s*{_PATH}")
BRANCH = re.compile(r"(?P<stem>[\s│|]*[├└][─-]*\s*)(?P<name>[^\s←#]+)")
SIZE = re.compile(_SIZE, re.IGNORECASE)
ACTION = re.compile(r"(?P<not>(?:NOT|NEVER)\s+)?\b(?P<action>KEEP|DELETE|REMOVE)\b")
SECTION = re.compile(r"(?P<not>(?:not|n['’]t|never)\s+)?\b(?P<action>keep|delete|remove)\b", re.IGNORECASE)
COUNT = re.compile(rf"(?<![\w.,:/~-])(?P<number>\d[\d,]*)\s+{_WORDS}{_NOUN}", re.IGNORECASE)
CELL = re.compile(rf"\s*[|+*-]\s*{_NOUN}\s*[|:]\s*(?P<number>\d[\d,]*)\s*(?:\||$)", re.IGNORECASE)
SOURCES = re.compile(
    r"versions\s*\((?P<names>[\w./-]+(?:\s*(?:,|&|\band\b)\s*[\w./-]+)+)\s+(?:agents|sources)\)", re.IGNORECASE
)
DUPLICATE = re.compile(rf"\b(?:duplicate|copy|identical|same \w+)\s+(?:of|to|as)\s+{_PATH}", re.IGNORECASE)
DUPLICATE_LABEL = re.compile(r"\bDUPLICATE\b")
REGENERATED = re.compile(r"\b(?:will|can)\s+(?:be\s+)?regenerated?\b[^)*|]*", re.IGNORECASE)
SPACE = re.compile(rf"\b(?:space\s+(?:saved|freed)|(?:saves|frees|saved|freed)\b)[\s:*]*{_SIZE}", re.IGNORECASE)
FILES = re.compile(
    r"\b(?P<verb>delete|remove|keep)\s+(?P<number>\d+)\s+(?P<what>CSV files?|files?|databases?|DBs?|CSVs?)\b"
    r"(?:\s*\((?P<detail>[^)]*)\))?",
    re.IGNORECASE,
)
REMOVE = re.compile(r"\s*rm\s+(?:-\w+\s+)*(?P<paths>[^#;&|]+)")
QUERY = re.compile(r"(?:sqlite3\s+(?:-\w+\s+)*(?P<file>\S+)\s+)?[\"']?(?P<sql>\bSELECT\s[^;\"']+)", re.IGNORECASE)
RETURNS = re.compile(
    r"(?:^\s*(?:#|--)?\s*|--\s*)(?:should (?:return|be|show|print)|expected(?: output| result)?|returns|output)\s*:?"
    r"\s*(?P<number>\d[\d,]*)?\s*$",
    re.IGNORECASE,
)
GROUP = re.compile(r"\s*(?:#|--)?\s*(?P<name>[^|#\s]+)\|(?P<number>\d+)\s*$")
COUNT_ALL = re.compile(r"SELECT\s+COUNT\(\*\)\s+FROM\s+[\"`]?(?P<relation>\w+)[\"`]?\s*$", re.IGNORECASE)
COUNT_BY = re.compile(
    r"SELECT\s+(?P<column>\w+)\s*,\s*COUNT\(\*\)\s+FROM\s+(?P<relation>\w+)\s+GROUP\s+BY\s+(?P=column)"
    r"(?:\s+ORDER\s+BY\s[\w\s,()*]+)?\s*$",
    re.IGNORECASE,
)
_LONGEST_LINE = 1000  # characters; the rest of a line is ignored
# Words before a noun that do not restrict which rows are counted; any other word may.
_HARMLESS = frozenset(("all", "current", "existing", "multi-agent", "new", "old", "recorded", "stored", "the", "total"))


@dataclass(frozen=True)
class Statement:
    """One thing a guide states.

    Attributes
    ----------
    kind : str
        ``file``, ``size``, ``rows``, ``groups``, ``duplicate``, ``regenerable``, ``space``, ``files`` or ``query``.
    claim : str
        Its words in the guide.
    line : int
        The line of the statement.
    file : str
        The file that it is about, relative to the project's root; empty for the prompter database.
    table, column, value : str
        For counts: the table (empty: all rows of the file); for the count of one group also its column and value.
    expected : tuple of str
        What should be found: a number, a size, the names of groups, a file.
    unknown : str
        Words that restrict a count in a way that cannot be checked; empty where there are none.
    """

    kind: str
    claim: str
    line: int
    file: str = ""
    table: str = ""
    column: str = ""
    value: str = ""
    expected: tuple[str, ...] = ()
    unknown: str = ""


@dataclass
class Guide:
    """The statements of a guide, and the files that it says to keep and to delete."""

    statements: list[Statement] = field(default_factory=list)
    keep: dict[str, None] = field(default_factory=dict)
    delete: dict[str, None] = field(default_factory=dict)


def read(text: str) -> Guide:
    """Return the statements of a guide in Markdown, in the order of its lines."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        reader.line(number, line[:_LONGEST_LINE])
    return reader.guide


class _Reader:
    """Reads line by line and remembers the section, the current file and the query whose answer follows."""

    def __init__(self) -> None:
        self.guide = Guide()
        self.number, self.file, self.section = 0, "", ""
        self.in_fence = self.in_groups = False
        self.query: re.Match[str] | None = None
        self.folders: list[tuple[int, str]] = []

    def line(self, number: int, line: str) -> None:
        self.number = number
        if FENCE.match(line):
            self.in_fence, self.folders = not self.in_fence, []
            self.file = ""
        elif self.in_fence:
            self._code(line)
        elif heading := HEADING.match(line):
            self.file, self.query = "", None
            self.section = _action(SECTION.search(heading["text"]))
            self._text(line)
        elif RULE.match(line):
            self.file = self.section = ""
        elif not self._answer(line):
            self._text(line)

    def _add(self, kind: str, claim: str, **more: object) -> None:
        claim = " ".join(claim.replace("`", "").replace("**", "").split())
        self.guide.statements.append(Statement(kind, claim, self.number, **more))  # type: ignore[arg-type]

    def _text(self, line: str) -> None:
        if item := ITEM.match(line):
            self.file = _name(item["path"])
            self._file(line, item.end())
        if duplicate := DUPLICATE.search(line):
            if self.file and _name(duplicate["path"]) != self.file:
                self._add("duplicate", duplicate[0], file=self.file, expected=(_name(duplicate["path"]),))
        elif item and DUPLICATE_LABEL.search(line) and basename(self.file) != self.file:
            self._add("duplicate", f"{self.file}: duplicate", file=self.file, expected=(basename(self.file),))
        if self.file and (promise := REGENERATED.search(line)):
            self._add("regenerable", f"{self.file}: {promise[0]}", file=self.file)
        if space := SPACE.search(line):
            self._add("space", space[0], expected=_size(space))
        for files in FILES.finditer(line):
            self._add("files", files[0], value=files["verb"].lower(), expected=_kinds(files))
        self._counts(line)

    def _file(self, line: str, start: int) -> None:
        """Add what a line about a file states: that it exists, often its size, and whether to keep it."""
        if action := _action(ACTION.search(line)) or self.section:
            (self.guide.keep if action == "keep" else self.guide.delete)[self.file] = None
        self._add("file", f"{self.file} is there", file=self.file)
        if size := SIZE.search(line, start):
            self._add("size", f"{self.file} ({size[0].strip()})", file=self.file, expected=_size(size))

    def _counts(self, line: str) -> None:
        line = line.replace("**", "").replace("`", "")
        for count in (*COUNT.finditer(line), *CELL.finditer(line)):
            noun, words = NOUNS[count["noun"].lower()], count.groupdict().get("words") or ""
            unknown = " ".join(w for w in words.split() if w.lower() not in _HARMLESS)
            table = "" if self.file.lower().rpartition(".csv")[1] else noun
            if not noun and not self.file:
                continue  # rows of an unknown file
            more = {"file": self.file, "table": table, "expected": (_plain(count["number"]),), "unknown": unknown}
            self._add("rows", count[0].strip(" |"), **more)
        for names in SOURCES.finditer(line):
            agents = tuple(re.split(r"\s*(?:,|&|\band\b)\s*", names["names"]))
            self._add("groups", names[0], file=self.file, table="prompt_versions", column="source", expected=agents)

    def _code(self, line: str) -> None:
        """Inside a code fence, read only file trees, removals, queries and their answers."""
        if branch := BRANCH.match(line):
            self._branch(branch, line)
        elif removal := REMOVE.match(line):
            for path in removal["paths"].split():
                if "*" not in path and ITEM.fullmatch(path.strip("\"'")):
                    self.guide.delete[_name(path.strip("\"'"))] = None
        elif not self._answer(line) and (query := QUERY.search(line)):
            self.query, self.in_groups = query, False
            self._answer(line[query.end() :].lstrip("\"'; "))

    def _branch(self, branch: re.Match[str], line: str) -> None:
        depth = len(branch["stem"])
        while self.folders and self.folders[-1][0] >= depth:
            self.folders.pop()
        path = "/".join([*(name for _, name in self.folders), branch["name"].rstrip("/")])
        if branch["name"].endswith("/"):
            self.folders.append((depth, branch["name"].rstrip("/")))
        elif ITEM.fullmatch(path):
            self.file = _name(path)
            self._file(line, branch.end())
            self.file = ""

    def _answer(self, line: str) -> bool:
        """Read a line as the expected result of the last query; return False where it is something else."""
        if self.query is None:
            return False
        query, file = " ".join(self.query["sql"].split()), _name(self.query["file"] or "")
        by, whole = COUNT_BY.match(query), COUNT_ALL.match(query)
        if self.in_groups and by and (group := GROUP.match(line)):
            self._group(by, file, group)
            return True
        self.in_groups = False
        returns = RETURNS.search(line)
        if not returns:
            return False
        if whole and returns["number"]:
            expected = (_plain(returns["number"]),)
            self._add("rows", f"{query}: {returns['number']}", file=file, table=whole["relation"], expected=expected)
        elif by and not returns["number"]:
            self.in_groups = True
            self._add("groups", query, file=file, table=by["relation"], column=by["column"])
        else:
            self._add("query", query, file=file, expected=(returns["number"] or "",))
        return True

    def _group(self, by: re.Match[str], file: str, group: re.Match[str]) -> None:
        """Add one group of an expected result, and its name to the statement about all groups."""
        statements = self.guide.statements
        at = max(i for i, s in enumerate(statements) if s.kind == "groups")
        statements[at] = replace(statements[at], expected=(*statements[at].expected, group["name"]))
        more = {"file": file, "table": by["relation"], "column": by["column"], "value": group["name"]}
        self._add("rows", f"{group['name']}|{group['number']}", **more, expected=(group["number"],))


def _action(found: re.Match[str] | None) -> str:
    """Return ``keep`` or ``delete``; empty where the guide names no action."""
    if found is None:
        return ""
    return "keep" if found["action"].lower() == "keep" or found["not"] else "delete"


def _name(path: str) -> str:
    return normpath(path) if path else ""


def _plain(number: str) -> str:
    return number.replace(",", "").lstrip("0") or "0"


def _size(found: re.Match[str]) -> tuple[str, ...]:
    return (found["number"].replace(",", ""), found["unit"].upper(), "~" if found["about"] else "")


def _kinds(found: re.Match[str]) -> tuple[str, ...]:
    """Return how many files of which kind: ``("5 files", "4 csv", "1 database")``."""
    what = found["what"].lower()
    kind = "csv" if "csv" in what else "file" if "file" in what else "database"
    parts = re.findall(r"(\d+)\s+(?:\w+\s+)??(CSV|DB|database)s?\b", found["detail"] or "", re.IGNORECASE)
    return (f"{found['number']} {kind}", *(f"{n} {'csv' if k.lower() == 'csv' else 'database'}" for n, k in parts))
