"""Write docs/relations.md from comments.sql: ``python -m dbtools.database.describe docs/relations.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from dbtools import disk
from dbtools.database.database import Database
from dbtools.database.load import load
from dbtools.database.sql import read_sql

_HEAD = """# Relations

What `db.relations` lists, and what each column means. This page is generated: `make relations` writes it from
`dbtools/database/comments.sql`. Projects with rescued rows also have one relation `rescued_…` per rescued file, with
the columns of that file.

## Glossary

One word for each thing, the same in reports, Explorer, messages and code.

| word | meaning |
|---|---|
| project | a folder with a prompter database, and the files around it |
| prompt | what a user asked |
| version | a text for a prompt, written by a source |
| source | who wrote a version: an agent, a user, or a program such as the history generator |
| agent | a source that competes with others: it rewrites prompts (syntax, structure, domain, …) |
| failed run | a run of an agent that gave no usable answer |
| placeholder | the version or score that the application stored for a failed run |
| judge | the language model that scores versions |
| score | five numbers (the dimensions) that a version was given |
| total | the sum of the five numbers, converted to 0–50 where the scale is known |
| scale | how a score was given: by the judge (0–10), a rule, the agent or a generator; two scales are never compared |
| own mark | the score that an agent gave the text it received; it says nothing about the text that the agent wrote |
| head | the version that the application recorded as the best one of a prompt |
| contest | the last versions of two or more agents for one prompt |
| win | a contest won by head (recorded), total (score), application (selected), votes (user) or ratings (rated) |
| vote | what a user of the application chose (the relation `feedback`) |
| rating | which of two texts a person or a model prefers, without knowing who wrote them; wins by ratings: rated |
| text | all prompts with the same normalised text; in statistics they are one observation |
| leader, rival | the agent that is ahead, and the agents that it is compared with |
| claim | a statement that an agent is best, else "Undecided"; in an audit, a statement of a guide |
| chain | versions that were made one from another, from parent to child |
| drifting | scores that move, but no more than a random walk may; neither a rise nor a fall |
| change type | what a version changed: structure, wording, length or other |
| provenance | whether a row is real, generated, a placeholder, or unknown |
| generation | which state of the application's schema a database has, from G0 (oldest) to G4 |
| check, finding | a question of the audit; a check that found rows, files or values |
| verdict | the result of a report, or what cleanup found out about a file |
| unique row | a row of a file that exists nowhere else |
| rescued row | a unique row that a cleanup copied to Parquet before it removed the file |
| run | one cleanup, with its backups and its manifest, in the backup folder; of an agent: its answer to a prompt |
| layout | the columns of an exported file |
| lake | a folder of Parquet files with every relation |
"""


def describe() -> str:
    """Return the page: every relation of a database without rows, with its columns. Reads only."""
    with disk.temporary_folder("dbtools-describe-") as folder:
        copy = folder / "copy.duckdb"
        load(None, copy, {}, {"path": str(copy), "fingerprint": "", "texts": True}, progress=False)
        with Database(copy) as db, db.workspace() as connection:
            connection.execute(read_sql("comments.sql"))
            found = connection.execute(
                "SELECT c.table_name, coalesce(v.comment, t.comment), c.column_name, c.data_type, c.comment "
                "FROM duckdb_columns() AS c "
                "LEFT JOIN duckdb_views() AS v ON v.view_oid = c.table_oid AND v.database_name = c.database_name "
                "LEFT JOIN duckdb_tables() AS t ON t.table_oid = c.table_oid AND t.database_name = c.database_name "
                "WHERE c.database_name = 'memory' AND c.schema_name = 'main' AND NOT c.internal "
                "ORDER BY c.table_name, c.column_index"
            ).fetchall()
    page, last = [_HEAD], ""
    for relation, text, column, kind, comment in found:
        if relation != last:
            page.append(
                f"\n## {relation}\n\n{text}.\n\n| column | type | meaning | unit | origin |\n|---|---|---|---|---|"
            )
            last = relation
        page.append(f"| {column} | {kind} | {comment} |")
    return "\n".join(page) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(describe(), encoding="utf-8")
