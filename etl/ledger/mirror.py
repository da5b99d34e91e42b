"""Differences between returns and station lists, kept as tasks for both sides until they agree or are explained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa

from etl.ledger import audit
from etl.ledger.schema import add_row, mirror_note, mirror_task
from etl.periods import now

_KEY = ("month", "party", "station", "commodity")


class Matter(StrEnum):
    OPEN = "待核对"
    EXPLAINED = "已说明"
    AGREED = "已一致"


@dataclass(frozen=True)
class Compared:
    """One flow as both sides have it. `party`: a unit code, or the code that several units share."""

    month: date
    party: str
    station: str
    commodity: str
    unit_tonnes: Decimal
    station_tonnes: Decimal
    is_different: bool


@dataclass(frozen=True)
class Note:
    """What a side (企业, 铁路, 审核) said."""

    side: str
    text: str
    actor: str
    recorded_at: datetime


@dataclass(frozen=True)
class Difference:
    """A difference that was found once. The tonnes are those of the last comparison."""

    mirror_id: int
    month: date
    party: str
    station: str
    commodity: str
    unit_tonnes: Decimal
    station_tonnes: Decimal
    state: Matter
    notes: tuple[Note, ...]
    recorded_at: datetime

    @property
    def excess(self) -> Decimal:
        """Tonnes that the unit has more than the station; negative = the station has more."""
        return self.unit_tonnes - self.station_tonnes


def differences(conn: sa.Connection) -> list[Difference]:
    """All of them, open ones first, then the newest month. Empty: there never was one."""
    notes: dict[int, list[Note]] = {}
    for row in conn.execute(sa.select(mirror_note).order_by(mirror_note.c.note_id)):
        notes.setdefault(row.mirror_id, []).append(Note(row.side, row.text, row.actor, row.recorded_at))
    found = [
        Difference(
            row.mirror_id, row.month, row.party, row.station, row.commodity, row.unit_tonnes, row.station_tonnes,
            Matter(row.state), tuple(notes.get(row.mirror_id, ())), row.recorded_at,
        )
        for row in conn.execute(sa.select(mirror_task).order_by(mirror_task.c.mirror_id))
    ]  # fmt: skip
    return sorted(
        found, key=lambda one: (one.state is not Matter.OPEN, -one.month.toordinal(), one.mirror_id)
    )


def take_over(conn: sa.Connection, compared: Iterable[Compared]) -> dict[str, int]:
    """Open, reopen and close differences by a comparison of everything; returns how many of each.

    An explained one stays closed while its tonnes stay; where both sides have none any more, they agree.
    """
    rows = conn.execute(sa.select(mirror_task)).mappings()
    standing = {tuple(row[name] for name in _KEY): row for row in rows}
    counts = {"opened": 0, "reopened": 0, "agreed": 0}
    for one in compared:
        row = standing.pop((one.month, one.party, one.station, one.commodity), None)
        figures = {"unit_tonnes": one.unit_tonnes, "station_tonnes": one.station_tonnes}
        if row is None:
            if one.is_different:
                key = {name: getattr(one, name) for name in _KEY}
                add_row(conn, mirror_task, key | figures | {"state": Matter.OPEN, "recorded_at": now()})
                counts["opened"] += 1
            continue
        is_same = all(row[name] == value for name, value in figures.items())
        state = Matter(row["state"])
        if not one.is_different:
            counts["agreed"] += state is not Matter.AGREED
            state = Matter.AGREED
        elif not is_same and state is not Matter.OPEN:
            counts["reopened"] += 1
            state = Matter.OPEN
        if state != row["state"] or not is_same:
            _update(conn, row["mirror_id"], figures | {"state": state})
    nothing = {"unit_tonnes": Decimal(0), "station_tonnes": Decimal(0), "state": Matter.AGREED}
    for row in standing.values():
        if row["state"] != Matter.AGREED:
            counts["agreed"] += 1
            _update(conn, row["mirror_id"], nothing)
    return counts


def explain(conn: sa.Connection, mirror_id: int, side: str, text: str, actor: str) -> None:
    """Keep what a side says; the difference is explained. Errors: KeyError for an unknown number."""
    here = mirror_task.c.mirror_id == mirror_id
    state = conn.scalar(sa.select(mirror_task.c.state).where(here))
    if state is None:
        raise KeyError(mirror_id)
    note = {"mirror_id": mirror_id, "side": side, "text": text, "actor": actor, "recorded_at": now()}
    add_row(conn, mirror_note, note)
    if Matter(state) is Matter.OPEN:
        _update(conn, mirror_id, {"state": Matter.EXPLAINED})
    audit.append(conn, actor, "核对说明", f"mirror:{mirror_id}", {"side": side, "text": text})


def _update(conn: sa.Connection, mirror_id: int, values: dict) -> None:
    conn.execute(sa.update(mirror_task).where(mirror_task.c.mirror_id == mirror_id).values(values))
