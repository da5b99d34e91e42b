"""The command line as a test calls it: in this process, with its own folders and its own day."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from etl import cli
from etl.ledger import schema

DATA = Path(__file__).parents[2] / "data"


@dataclass(frozen=True)
class Run:
    """What a call left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout. Errors: ValueError where anything else is there too."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A run-time folder, the declared data in force, and today."""

    home: Path
    data: Path = DATA
    today: str = "2025-03-12"

    @property
    def environment(self) -> dict[str, str]:
        # Where the tests have put the ledger elsewhere (`backend`), processes of their own learn it here.
        address = schema.address(self.home)
        elsewhere = {} if address.startswith("sqlite") else {schema.URL_VARIABLE: address}
        return {
            "RAILSHIFT_HOME": str(self.home),
            "RAILSHIFT_DATA": str(self.data),
            "RAILSHIFT_TODAY": self.today,
            **elsewhere,
        }

    def run(self, *arguments: object) -> Run:
        """`railshift` with these arguments, as a shell would get it."""
        out, err = io.StringIO(), io.StringIO()
        with self._as_called(arguments), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
                code = 0
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else int(left.code is not None)
        return Run(code, out.getvalue(), err.getvalue())

    @contextlib.contextmanager
    def _as_called(self, arguments: tuple[object, ...]) -> Generator[None]:
        with (
            mock.patch.object(sys, "argv", ["railshift", *map(str, arguments)]),
            mock.patch.dict(os.environ, self.environment),
        ):
            yield
