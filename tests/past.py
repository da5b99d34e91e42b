"""What a unit has reported before, as tests draw it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from returns import MINE

from etl.intake.history import FLOWS, History
from etl.periods import add_months, month_of

SPURS = pa.schema([
    ("spur_code", pa.string()), ("user_code", pa.string()), ("capacity", pa.string()), ("state", pa.string()),
    ("opened_on", pa.date32()), ("use_from", pa.date32()), ("use_to", pa.date32()),
])  # fmt: skip


def history(tonnes: dict[tuple[str, str], str | int], spurs: list[dict[str, Any]] | None = None) -> History:
    """The mine's coal sent: (month, mode) → tonnes; mode '' = a month without traffic."""
    rows = [
        {
            "unit_code": MINE, "month": month_of(month), "mode": mode or None,
            "direction": "发运" if mode else None, "commodity": "煤炭" if mode else None,
            "tonnes": Decimal(amount),
        }
        for (month, mode), amount in tonnes.items()
    ]  # fmt: skip
    return History(pa.Table.from_pylist(rows, FLOWS), pa.Table.from_pylist(spurs or [], SPURS))


def level(first: str, months: int, **by_mode: int) -> History:
    """The same tonnes by each mode in so many months from the first."""
    start = month_of(first)
    return history({
        (f"{add_months(start, step):%Y-%m}", mode): tonnes
        for step in range(months) for mode, tonnes in by_mode.items()
    })  # fmt: skip


def line(code: str, capacity: str | None, **changes: Any) -> dict[str, Any]:
    """An open spur of the mine, since 2020, changed where said. capacity: 万吨 a year."""
    spur = {
        "spur_code": code, "user_code": MINE, "capacity": capacity, "state": "开通",
        "opened_on": date(2020, 1, 1), "use_from": None, "use_to": None,
    }  # fmt: skip
    return spur | changes


def spur(*capacities: str) -> History:
    """No past, and an open spur of each of these capacities."""
    return history({}, [line(f"S{number}", capacity) for number, capacity in enumerate(capacities)])
