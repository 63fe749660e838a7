"""Server: where a PostgreSQL database is. Its password is no part of that, and is kept nowhere."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from dbtools.errors import ParameterError

VARIABLE = "DATABASE_URL"
NOT_A_FILE = "not applicable: the database is a PostgreSQL server"
_URL = re.compile(r"\s*(postgres(?:ql)?(?:\+\w+)?):(//)?", re.IGNORECASE)
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:]*)(?::(?P<password>.*))?@)?(?P<host>\[[^\]@]*\]|[^:@,]*)(?::(?P<port>\d*))?", re.S
)
# What of libpq's settings a URL may carry besides the address; none of them is a secret.
_OPTIONS = {"sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "channel_binding", "gssencmode"} | {
    "application_name",
    "connect_timeout",
    "options",
    "target_session_attrs",
}
_ADDRESS = {"host", "dbname", "user"}
_EXAMPLE = "postgresql://user@host:5432/database"


@dataclass(frozen=True)
class Server:
    """The address of a database on a PostgreSQL server; its text is a URL that leads there, without the password.

    Attributes
    ----------
    host, dbname, user : str
        The host is a name, an address, or the folder of a Unix socket. Empty, each is libpq's to choose.
    options : tuple of (str, str)
        Settings of libpq, such as ``("sslmode", "require")``.
    """

    host: str = ""
    port: int | None = None
    dbname: str = ""
    user: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        host, settings = f"[{self.host}]" if ":" in self.host else self.host, list(self.options)
        if "/" in host:
            host, settings = "", [("host", self.host), *settings]
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in settings)
        return f"postgresql://{user}{host}{port}/{quote(self.dbname, safe='')}{'?' if query else ''}{query}"


def is_url(text: object) -> bool:
    """Tell whether a text means a PostgreSQL server, in whatever spelling."""
    return isinstance(text, str | os.PathLike) and _URL.match(os.fspath(text)) is not None


def parse(url: str) -> tuple[Server, str | None]:
    """Return the server of a URL, in any driver's spelling, and the password in it.

    Raises
    ------
    ParameterError
        It is not such a URL. The error shows nothing of it: any part may belong to a password with special characters.
    """
    scheme = _URL.match(url)
    rest = url[scheme.end() :].strip() if scheme and scheme[2] else "#"
    address, _, query = rest.partition("?")
    authority, _, dbname = address.partition("/")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or "#" in rest or "/" in dbname or "@" in dbname:
        raise _refused()
    parts = {name: unquote(value) for name, value in {**found.groupdict(), "dbname": dbname}.items() if value}
    for name, _, value in (pair.partition("=") for pair in query.split("&") if pair):
        parts["sslmode" if name == "ssl" else name] = unquote(value)  # asyncpg calls it so
    sendable = all(value.isprintable() for value in parts.values())
    password, port = parts.pop("password", None), parts.pop("port", None)
    options = tuple(sorted((name, value) for name, value in parts.items() if name in _OPTIONS))
    if not sendable or parts.keys() - _OPTIONS - _ADDRESS or not (port is None or re.fullmatch(r"[0-9]{1,5}", port)):
        raise _refused()
    named = {name: value.strip("[]") if name == "host" else value for name, value in parts.items() if name in _ADDRESS}
    return Server(**named, port=int(port) if port else None, options=options), password


def _refused() -> ParameterError:
    todo = f"write it as {_EXAMPLE}, special characters in it percent-encoded, and only libpq's own settings after a ?"
    return ParameterError("Not the URL of a PostgreSQL server that dbtools understands", "postgresql:", todo)


def from_environment() -> Server | None:
    """Return the server that $DATABASE_URL names, if it names one."""
    url = os.environ.get(VARIABLE, "")
    return parse(url)[0] if is_url(url) else None


def password_of(server: Server) -> str | None:
    """Return the password that $DATABASE_URL has for this very server and user; libpq finds others by itself."""
    url = os.environ.get(VARIABLE, "")
    if not is_url(url):
        return None
    try:
        named, password = parse(url)
    except ParameterError:  # the application's driver may know more than dbtools: it is not this server's
        return None
    return password if replace(named, options=()) == replace(server, options=()) else None


def is_named_by_user(server: Server) -> bool:
    """Tell whether the environment names this server, by host and port: without a host, libpq's own is meant.

    A configuration file in a folder can name any host and port: the user's password must not be sent to a server that
    only it names.
    """
    if server.host in ("", os.environ.get("PGHOST")) and _port(server) == _port(Server()):
        return True
    url = os.environ.get(VARIABLE, "")
    with suppress(ParameterError):
        return is_url(url) and _address(parse(url)[0]) == _address(server)
    return False


def is_listed(server: Server) -> bool:
    """Tell whether a line of ``~/.pgpass`` names the host of this server, and its port or every port. Reads only."""
    file = Path(os.environ.get("PGPASSFILE") or Path.home() / ".pgpass")
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="utf-8").splitlines():
            host, *rest = (re.sub(r"\\(.)", r"\1", cell) for cell in re.split(r"(?<!\\):", line))
            if rest and host == (server.host or "localhost") and rest[0] in ("*", _port(server)):
                return True
    return False


def _address(server: Server) -> tuple[str, str]:
    return server.host, _port(server)


def _port(server: Server) -> str:
    """Return the port that libpq takes."""
    return str(server.port) if server.port is not None else os.environ.get("PGPORT") or "5432"
