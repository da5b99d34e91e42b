"""What a clerk has begun and not sent, and which column is which in a unit's own layout, as confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from etl.periods import now

FILE, GRID = "file", "grid"


@dataclass(frozen=True)
class Draft:
    """A unit-month that was begun. `way` is file or grid; text is as it was typed.

    `rows`: of a grid, our header → text. `content`: of a file, its bytes; `file_name` its name.
    `explained`: 核实 code → explanation; `reason`: of a correction.
    """

    unit_code: str
    month: date
    way: str
    rows: tuple[dict[str, str], ...] = ()
    file_name: str = ""
    content: bytes | None = None
    mapping_text: str | None = None
    explained: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    saved_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Remembered:
    """A layout's columns as somebody confirmed them: our header → their column, by name or as 第3列."""

    mapping_id: int
    unit_code: str
    header: tuple[str, ...]
    columns: dict[str, str]
    recorded_at: datetime
    actor: str
