"""A real PostgreSQL for the tests: started here, one database for each run-time folder.

It is needed, never skipped: `make system` installs Debian's package. It sorts text by the rules of Chinese, as a
server in an office does, so that nothing leans on the order of bytes.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import sqlalchemy as sa
from psycopg import sql

from etl.ledger import heads, schema

_address = schema.address
START_SECONDS = 60
TEMPLATE, EMPTY = "railshift_head", "template1"


def program(name: str) -> str:
    """A program of PostgreSQL's. Errors: FileNotFoundError where it is not installed."""
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed: run `make system`")
    return os.path.realpath(found)


class Cluster:
    """A server that listens on a socket in its folder. It has the ledgers of the homes under `homes`."""

    def __init__(self, folder: Path, homes: Path) -> None:
        self.folder, self.homes = folder, homes.resolve()
        self._cloned: set[str] = set()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def address(self, home: Path) -> str:
        """The ledger of a run-time folder, at the newest schema; made when it is asked for first.

        The demonstration, made once for all tests outside of `homes`, stays the SQLite file that it is.
        """
        if not home.resolve().is_relative_to(self.homes):
            return _address(home)
        name = self.name_of(home)
        if name not in self._cloned:
            self.clone(TEMPLATE, name)
            home.mkdir(parents=True, exist_ok=True)
            heads.begin(home, 0, schema.FIRST_HASH)
        return self.url(name)

    def name_of(self, home: Path) -> str:
        return "home_" + hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:24]

    def clone(self, template: str, name: str) -> None:
        with self.connection() as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        self._cloned.add(name)

    def empty(self, name: str) -> str:
        """A database without a ledger; its address."""
        self.clone(EMPTY, name)
        return self.url(name)

    def follow(self, source: Path, copy: Path) -> None:
        """The ledgers of the homes in a folder that was copied go with their copies."""
        for home in [source, *(path for path in source.iterdir() if path.is_dir())]:
            name, of_copy = self.name_of(home), self.name_of(copy / home.relative_to(source))
            # A folder within was copied by the same function already.
            if name in self._cloned and of_copy not in self._cloned:
                self.clone(name, of_copy)

    @contextmanager
    def connection(self) -> Generator[psycopg.Connection[Any]]:
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as conn:
            yield conn

    @contextmanager
    def ledgers(self) -> Generator[None]:
        """Within, every run-time folder has its ledger here, also one that was copied from another."""
        copytree, create_engine = shutil.copytree, sa.create_engine

        def copied(source: Any, copy: Any, *arguments: Any, **options: Any) -> Any:
            target = copytree(source, copy, *arguments, **options)
            self.follow(Path(source), Path(copy))
            return target

        def unpooled(*arguments: Any, **options: Any) -> sa.Engine:
            # A database that somebody is connected to cannot be copied.
            return create_engine(*arguments, **options, poolclass=sa.NullPool)

        with (
            mock.patch.object(schema, "address", self.address),
            mock.patch.object(shutil, "copytree", copied),
            mock.patch.object(sa, "create_engine", unpooled),
        ):
            yield


@contextmanager
def running(homes: Path) -> Generator[Cluster]:
    """A server for the time of the block. Errors: FileNotFoundError where PostgreSQL is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="railshift-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root.
        user = next((name for name in ("postgres", "nobody") if _is_known(name)), "nobody")
        known = pwd.getpwnam(user)
        os.chown(folder, known.pw_uid, known.pw_gid)
        as_user = ["setpriv", f"--reuid={known.pw_uid}", f"--regid={known.pw_gid}", "--clear-groups", "--"]
    folder.chmod(0o755)
    data = folder / "data"
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
    initdb = [program("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(
        [*as_user, *initdb, "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh"],
        check=True, cwd="/", env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    settings = {
        "listen_addresses": "", "unix_socket_directories": str(folder), "fsync": "off", "full_page_writes": "off",
        "synchronous_commit": "off", "max_connections": "60", "autovacuum": "off",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    # Ends with the tests, also where they are killed: SIGINT is PostgreSQL's fast way down.
    dying = ["setpriv", "--pdeathsig", "INT", *as_user[1:-1], "--"]
    with (folder / "log").open("wb") as lines:
        server = subprocess.Popen(
            [*dying, program("postgres"), "-D", str(data), *options],
            cwd="/", env=environment, stdout=lines, stderr=lines,
        )  # fmt: skip
    cluster = Cluster(folder, homes)
    try:
        _wait_for(cluster, server)
        with tempfile.TemporaryDirectory() as home:
            schema.open_ledger(Path(home), cluster.empty(TEMPLATE)).dispose()
        yield cluster
    finally:
        # At once: nothing of it is wanted any more.
        server.send_signal(signal.SIGQUIT)
        server.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_SECONDS
    while True:
        try:
            with cluster.connection():
                return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > give_up:
                said = (cluster.folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL does not come up: {said}") from None
        time.sleep(0.05)
