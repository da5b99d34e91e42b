"""The SQL of intake: numbered files make the tables and views of a check in that order, folders hold the rest.

`load/` fills the first table, `read/` asks the tables of a check, `past/` the rows accepted before.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

_SQL = resources.files("etl.intake") / "sql"


@cache
def statement(name: str) -> str:
    """The text of sql/<name>.sql, such as "10_line" or "read/flows". Errors: FileNotFoundError."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
