"""How effectiveness grows with the history: `python scale.py FILE [SIZES]` measures, and draws what FILE holds.

The lakes are written directly, narrow (no texts), as a database of the largest size would take hours. Each run is a
process of its own; a server's memory is counted with it. Asserts no time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from data import write
from support import AGENTS, DIMENSIONS

ROOT = Path(__file__).parents[2]
SECONDS = 2 * 365 * 86_400  # the span of the history
WAYS = {"DuckDB": "#0072b2", "Sail": "#d55e00"}
_MARK = "round(3 + (hash(p.n, a.n, {d}) % 60) / 10 + CASE a.n WHEN 2 THEN 0.1 ELSE 0 END, 1)"
_CELLS = {
    "prompts": {
        "id": "md5('p' || p.n)::UUID::VARCHAR", "user_id": "'user' || p.n % 97", "request_id": "md5('p' || p.n)",
        "text_length": "80", "text_key": "md5('t' || p.n)::UUID::VARCHAR", "row_id": "p.n",
    },
    "versions": {
        "id": "md5('v' || p.n || ' ' || a.n)::UUID::VARCHAR", "prompt_id": "md5('p' || p.n)::UUID::VARCHAR",
        "version_no": "a.n", "source": "a.source", "competes": "true", "row_id": "3 * p.n + a.n",
        "parent_version_id": "CASE WHEN a.n > 1 THEN md5('v' || p.n || ' ' || (a.n - 1))::UUID::VARCHAR END",
        "change_type": "'wording'", "change_magnitude": "0.2", "text_length": "300 + hash(p.n, a.n) % 200",
    },
    "scores": {
        "id": "md5('s' || p.n || ' ' || a.n)::UUID::VARCHAR", "row_id": "3 * p.n + a.n",
        "prompt_version_id": "md5('v' || p.n || ' ' || a.n)::UUID::VARCHAR",
        **{d: _MARK.format(d=n) for n, d in enumerate(DIMENSIONS)},
        "total": " + ".join(_MARK.format(d=n) for n in range(len(DIMENSIONS))),
    },
    "heads": {
        "prompt_id": "md5('p' || p.n)::UUID::VARCHAR", "score": "35.0", "row_id": "p.n",
        "prompt_version_id": "md5('v' || p.n || ' ' || (1 + hash(p.n) % 3))::UUID::VARCHAR",
    },
}  # fmt: skip


def make(folder: Path, versions: int) -> None:
    """Write a lake of `versions` versions, a score each and a head per prompt. Changes files: creates `folder`."""
    import duckdb

    from dbtools import attach, export
    from dbtools.database import lake

    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch) / "prompter.db", len(AGENTS))
        with attach(Path(scratch) / "prompter.db", texts=False) as db:
            export.write(db, folder, formats=("parquet",), partition_by="month")
            origin = {**db.origin, "path": "generated"}
    (folder / "exports.json").unlink()
    prompts = versions // len(AGENTS)
    counts = {"prompts": prompts, "prompt_versions": versions, "judge_scores": versions, "best_heads": prompts}
    agents = ", ".join(f"({n}, '{agent}')" for n, agent in enumerate(AGENTS, 1))
    with duckdb.connect(config={"memory_limit": "1500MB", "preserve_insertion_order": False}) as connection:
        for relation, cells in _CELLS.items():
            (old,) = (folder / relation).rglob("*.parquet")
            described = connection.execute(f"DESCRIBE FROM read_parquet('{old}', hive_partitioning = false)").fetchall()
            moment = f"TIMESTAMP '2024-01-01' + to_seconds(p.n * {SECONDS} // {prompts})"
            known = {**cells, "unreadable": "0", "dashed": "0", "text_secret": "false", "created_at": moment}
            known["updated_at"] = moment
            row = ", ".join(f"({known.get(name, 'NULL')})::{kind} AS {name}" for name, kind, *_ in described)
            many = f"CROSS JOIN (VALUES {agents}) AS a (n, source)" if "a.n" in row else ""
            connection.execute(
                f"COPY (SELECT {row}, strftime({moment}, '%Y-%m') AS month FROM range({prompts}) AS p (n) {many}) "
                f"TO '{folder / relation}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (month), OVERWRITE)"
            )
    files = {
        name: tuple(p.relative_to(folder).as_posix() for p in sorted((folder / name).rglob("*.parquet")))
        for name in lake.RELATIONS
    }
    (folder / "lake.json").write_text(lake.dumps({**origin, "tables": {**origin["tables"], **counts}}, files))


def measure(folder: Path, way: str) -> None:
    """Print seconds, MB and verdict of effectiveness over a lake, as JSON."""
    from dbtools import analysis, attach

    with attach(folder, engine=os.environ.get("ENGINE") if way == "Sail" else None) as db:
        start = time.perf_counter()
        verdict = analysis.effectiveness(db).claim.verdict
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mb": peak, "verdict": verdict}))


def run(folder: Path, way: str) -> dict[str, object]:
    """Measure in a process of its own, with a server of its own."""
    from contextlib import nullcontext

    from servers import sail

    with sail() if way == "Sail" else nullcontext() as server:
        environment = {**os.environ, "ENGINE": server.url if server else ""}
        command = [sys.executable, __file__, "--measure", str(folder), way]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        if server:
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            found["mb"] += int(status.split("VmHWM:")[1].split()[0]) / 1024
    return found


def picture(records: list[dict]) -> str:
    """Return time by size, both on logarithmic scales, as SVG."""
    import altair as alt
    import pandas as pd

    from dbtools.notebooks import report
    from dbtools.show import style

    frame = pd.DataFrame(records)
    sizes = sorted(set(frame["versions"]))
    base = alt.Chart(frame).encode(
        x=alt.X(
            "versions:Q",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(title="versions", format=",d", values=sizes),
        ),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), axis=alt.Axis(title="seconds", format="~g")),
        color=alt.Color("way:N", scale=alt.Scale(domain=[*WAYS], range=[*WAYS.values()]), legend=None),
    )
    ends = alt.Chart(frame.sort_values("versions").groupby("way").tail(1))
    labels = ends.mark_text(align="left", dx=8, fontSize=11)
    labels = labels.encode(x="versions:Q", y="seconds:Q", text="way:N", color=base.encoding.color)
    chart = (base.mark_line(point=True) + labels).properties(width=560, height=360)
    # As the charts of reports look; it follows the reader's dark mode.
    return report._adapt(style.svg(style.styled(chart, "Effectiveness over a lake: time by size of the history")))


def main(file: Path, sizes: list[int], folder: Path) -> None:
    """Measure the sizes, add the figures to `file`, and draw all that it holds."""
    for versions in sizes:
        lake = folder / f"lake-{versions}"
        if not lake.is_dir():
            make(lake, versions)
        size = sum(path.stat().st_size for path in lake.rglob("*.parquet")) >> 20
        for way in os.environ.get("WAYS", ",".join(WAYS)).split(","):
            record = {"versions": versions, "way": way, "disk_mb": size, **run(lake, way)}
            print(json.dumps(record), flush=True)
            with file.open("a") as handle:
                handle.write(json.dumps(record) + "\n")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    (ROOT / ".readme" / "scale.svg").write_text(picture(records), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]), sys.argv[3])
    else:
        folder = Path(os.environ.get("LAKES", tempfile.gettempdir()))
        main(Path(sys.argv[1]), list(map(int, sys.argv[2:])), folder)
