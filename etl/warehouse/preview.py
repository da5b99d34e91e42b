"""What a return would change before it is sent: the rows of its unit-month, and the unit's own indicators.

The same sql/ runs in memory on the one unit, once with what is accepted and once with the return in the
place of its unit-month. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from etl import wording
from etl.periods import add_months
from etl.plan import Judgement, Verdict
from etl.reference import Declared
from etl.warehouse import evidence
from etl.warehouse.build import CONFIG, ROWS, Inputs, fill
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import Snapshot

SHARES = ("K2", "K3")
# What makes a flow the same flow; the other columns may change in it.
_FLOW = (
    "direction", "mode", "commodity", "origin", "destination", "counterparty", "corridor", "is_drayage",
    "transfer_station", "loading",
)  # fmt: skip
_IN_FLOW = {
    "distance_km": "运距公里", "tonnes": "运量吨", "boxes": "箱数", "vehicles": "车数",
    "weighing_basis": "计量依据", "note": "备注",
}  # fmt: skip
# Beyond this, rows of one flow are paired as they stand.
_MOST_PAIRS = 10_000
_UNIT_ROWS = resources.files("etl.warehouse") / "sql" / "load" / "unit_rows.sql"

Row = dict[str, Any]


class Kind(StrEnum):
    ADDED = "新增"
    CHANGED = "修改"
    REMOVED = "删除"


@dataclass(frozen=True)
class CellChange:
    """A column of a flow that changes, as text. Empty: '' for an empty cell."""

    header: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """A row against the accepted version. `row`: its number in the new file, of a removed one in the old."""

    kind: Kind
    row: int
    flow: str
    tonnes: Decimal
    cells: tuple[CellChange, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A checked unit-month that is not handed in; `rows_path`: its typed rows, None for 零申报."""

    unit_code: str
    month: date
    rows: int
    is_zero: bool
    rows_path: Path | None


@dataclass(frozen=True)
class Preview:
    """What would change. `previous`: the version that counts now (None: the month is new).

    `before` and `after`: indicator → judgement over January to the month, for K2, K3 and K4 as far as
    the unit has one. `tonnes` is what the return moves, drayage too; `month_before` and `year_before` what
    the accepted months moved (None: not reported).
    """

    unit_code: str
    month: date
    previous: int | None
    rows: tuple[RowChange, ...]
    before: Mapping[str, Judgement]
    after: Mapping[str, Judgement]
    tonnes: Decimal
    month_before: Decimal | None
    year_before: Decimal | None

    def count(self, kind: Kind) -> int:
        """Rows added, changed or removed."""
        return sum(row.kind is kind for row in self.rows)

    def sentences(self) -> list[str]:
        """The month beside its past, then what the return does to the unit's own indicators."""
        return [self.trend(), *self._effects()]

    def trend(self) -> str:
        """The month's tonnes with 环比 and 同比 of what the unit itself reported."""
        than = "，".join(
            _against(self.tonnes, before, name)
            for before, name in ((self.month_before, "上月"), (self.year_before, "上年同月"))
        )
        return f"本月运量{self.tonnes.normalize():f}吨，{than}"

    def _effects(self) -> list[str]:
        period = wording.period_text(self.month.year, self.month.month)
        said = [
            f"{period}{INDICATORS[id_].name}：{sentence}"
            for id_ in (*SHARES, "K4")
            if id_ in self.after and (sentence := _sentence(self.before.get(id_), self.after[id_]))
        ]
        return said or ["本次提交不改变贵单位的考核指标。"]


def preview(inputs: Inputs, declared: Declared, day: date, candidate: Candidate) -> Preview:
    """Compare a return with what is accepted on `day`.

    `inputs` is what the ledger knows that day, of all units. Errors: duckdb.Error where the disk fails.
    """
    unit, month = candidate.unit_code, candidate.month
    # A year's indicators look back two years: K4 at the year before, a missing month at twelve more.
    tried_out = {} if candidate.rows_path is None else {candidate.rows_path: _CANDIDATE}
    own = of_unit(inputs, unit, date(month.year - 2, 1, 1), tried_out)
    accepted, rows = own.submissions, own.rows or ROWS.empty_table()
    is_replaced = pc.field("month") == pa.scalar(month)
    replaced = accepted.filter(is_replaced).to_pylist()
    entry = pa.Table.from_pylist([_submission(candidate, day)], accepted.schema)
    with_it = pa.concat_tables([accepted.filter(~is_replaced), entry])
    old = [row for row in rows.to_pylist() if replaced and _is_of(row, month, replaced[0]["rows_file"])]
    new = [row for row in rows.to_pylist() if _is_of(row, month, _CANDIDATE)]
    return Preview(
        unit_code=unit,
        month=month,
        previous=replaced[0]["version"] if replaced else None,
        rows=tuple(_changes(old, new)),
        before=_judged(replace(own, submissions=accepted), declared, day, unit, month),
        after=_judged(replace(own, submissions=with_it), declared, day, unit, month),
        tonnes=_tonnes(new),
        month_before=_accepted_tonnes(accepted, rows, add_months(month, -1)),
        year_before=_accepted_tonnes(accepted, rows, add_months(month, -12)),
    )


def of_unit(inputs: Inputs, unit: str, first: date, more: Mapping[Path, str]) -> Inputs:
    """What a warehouse of one unit alone is made of, from the month `first` on.

    `more`: files of rows beside those of the accepted months, each with the name that a submission
    gives it. Errors: duckdb.Error where a file is gone.
    """
    accepted = _of_unit(inputs.submissions, "unit_code", unit)
    accepted = accepted.filter(pc.field("month") >= pa.scalar(first))
    files = {str(inputs.home / name): name for name in accepted["rows_file"].to_pylist() if name}
    files |= {str(path): name for path, name in more.items()}
    return replace(
        inputs,
        registry=_of_unit(inputs.registry, "unit_code", unit),
        spurs=_of_unit(inputs.spurs, "user_code", unit),
        submissions=accepted,
        reports=inputs.reports.schema.empty_table(),
        official=inputs.official.schema.empty_table(),
        targets=inputs.targets.schema.empty_table(),
        events=inputs.events.schema.empty_table(),
        rows=_rows(files, unit, first),
    )


# ------------------------------------------------------------------------------------------ indicators


def _judged(inputs: Inputs, declared: Declared, day: date, unit: str, month: date) -> dict[str, Judgement]:
    filters = Filters(month.year, month.month)
    with duckdb.connect(config=CONFIG) as connection:
        fill(connection, inputs, declared, day)
        snapshot = Snapshot(Path("preview"), connection)
        found = evidence.shares(snapshot, EVERYTHING, SHARES, filters, "enterprise", unit=unit)
        found += evidence.obligations(snapshot, EVERYTHING, filters, "enterprise", unit=unit)
    return {judgement.subject.indicator: judgement for judgement in found}


def _sentence(before: Judgement | None, after: Judgement) -> str:
    """Empty: nothing to say, for the unit has no goods of the indicator before or after."""
    if after.unit != "share":
        return _access_sentence(before, after)
    old = before.value if before else None
    if after.value is None:
        return "" if old is None else f"本次提交后贵单位没有考核范围内的运量（原{_percent(before)}）"
    now = _percent(after)
    if old is None:
        return f"本次提交后贵单位占比{now}"
    if old == after.value:
        return f"本次提交后贵单位占比仍为{now}"
    way = "上升" if after.value > old else "下降"
    was, now = wording.percents(old, after.value, after.target)
    return f"本次提交后贵单位占比{was}% → {now}%，{way}{wording.points(abs(after.value - old))}个百分点"


def _access_sentence(before: Judgement | None, after: Judgement) -> str:
    if before is None or (before.value, before.verdict) == (after.value, after.verdict):
        return ""
    tonnes = f"年大宗货物运量{wording.wan(before.value)}万吨 → {wording.wan(after.value)}万吨"
    if before.verdict == after.verdict or Verdict.NO_TARGET in (before.verdict, after.verdict):
        return tonnes
    return f"{tonnes}，{wording.verdict_text(before)} → {wording.verdict_text(after)}"


def _percent(judgement: Judgement | None) -> str:
    if judgement is None or judgement.value is None:
        return wording.NONE
    return f"{wording.percent(judgement.value, judgement.target)}%"


def _against(now: Decimal, before: Decimal | None, name: str) -> str:
    if before is None:
        return f"{name}没有已通过的月报"
    change = wording.growth(now, before)
    if change == wording.NONE:
        return f"{name}运量为0"
    return f"与{name}持平" if change == "持平" else f"比{name}{change}"


# ------------------------------------------------------------------------------------------------ rows


_CANDIDATE = "(candidate)"


def _rows(files: Mapping[str, str], unit: str, first: date) -> pa.Table:
    """The unit's rows in these files, with the names that its submissions give them."""
    if not files:
        return ROWS.empty_table()
    with duckdb.connect() as connection:
        connection.register("file_names", pa.table({"path": list(files), "rows_file": list(files.values())}))
        found = connection.sql(
            _UNIT_ROWS.read_text(encoding="utf-8"),
            params={"paths": list(files), "unit": unit, "first": first},
        ).to_arrow_table()
    return found.select(ROWS.names).cast(ROWS)


def _submission(candidate: Candidate, day: date) -> Row:
    """The return as if it had been accepted today."""
    return {
        "submission_id": 0,
        "unit_code": candidate.unit_code,
        "month": candidate.month,
        "version": 0,
        "received_on": day,
        "accepted_on": day,
        "first_received_on": day,
        "is_zero": candidate.is_zero,
        "rows_file": _CANDIDATE,
        "row_count": candidate.rows,
    }


def _of_unit(table: pa.Table, column: str, unit: str) -> pa.Table:
    return table.filter(pc.field(column) == pa.scalar(unit))


def _is_of(row: Row, month: date, rows_file: str) -> bool:
    return (row["month"], row["rows_file"]) == (month, rows_file)


def _tonnes(rows: list[Row]) -> Decimal:
    return sum((row["tonnes"] for row in rows), Decimal(0))


def _accepted_tonnes(submissions: pa.Table, rows: pa.Table, month: date) -> Decimal | None:
    """What the accepted return of a month moved. Empty: there is none."""
    accepted = submissions.filter(pc.field("month") == pa.scalar(month)).to_pylist()
    if not accepted:
        return None
    of_month = rows.filter(pc.field("month") == pa.scalar(month)).to_pylist()
    return _tonnes([row for row in of_month if _is_of(row, month, accepted[0]["rows_file"])])


def _changes(old: list[Row], new: list[Row]) -> Iterator[RowChange]:
    """Row by row within a flow: the same ones first, then what can stand for each other, then the rest."""
    before: dict[tuple, list[Row]] = {}
    after: dict[tuple, list[Row]] = {}
    for rows, flows in ((old, before), (new, after)):
        for row in rows:
            flows.setdefault(tuple(row[name] for name in _FLOW), []).append(row)
    for key in dict.fromkeys((*after, *before)):
        was, now = _without_same(before.get(key, []), after.get(key, []))
        pairs = _pairs(was, now)
        for old_place, new_place in sorted(pairs.items(), key=lambda pair: pair[1]):
            cells = tuple(_cells(was[old_place], now[new_place]))
            yield _change(Kind.CHANGED, now[new_place], cells)
        stands_for = set(pairs.values())
        yield from (_change(Kind.ADDED, now[n]) for n in range(len(now)) if n not in stands_for)
        yield from (_change(Kind.REMOVED, was[n]) for n in range(len(was)) if n not in pairs)


def _pairs(was: list[Row], now: list[Row]) -> dict[int, int]:
    """Old row → the new row that stands for it, by place: those that differ least first."""
    if len(was) * len(now) > _MOST_PAIRS:
        return {place: place for place in range(min(len(was), len(now)))}
    nearest = sorted(
        (len(list(_cells(old_row, new_row))), old_place, new_place)
        for old_place, old_row in enumerate(was)
        for new_place, new_row in enumerate(now)
    )
    pairs: dict[int, int] = {}
    for _, old_place, new_place in nearest:
        if old_place not in pairs and new_place not in pairs.values():
            pairs[old_place] = new_place
    return pairs


def _without_same(old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row]]:
    known: dict[tuple, int] = {}
    for row in old:
        known[_content(row)] = known.get(_content(row), 0) + 1
    changed = []
    for row in new:
        if known.get(_content(row)):
            known[_content(row)] -= 1
        else:
            changed.append(row)
    gone = []
    for row in old:
        if known[_content(row)]:
            known[_content(row)] -= 1
            gone.append(row)
    return gone, changed


def _content(row: Row) -> tuple:
    return tuple(row[name] for name in _IN_FLOW)


def _change(kind: Kind, row: Row, cells: tuple[CellChange, ...] = ()) -> RowChange:
    words = (row["commodity"], row["direction"], row["mode"], f"{row['origin']}—{row['destination']}")
    flow = " ".join((*words, "短驳") if row["is_drayage"] else words)
    return RowChange(kind, row["row_no"], flow, row["tonnes"], cells)


def _cells(old: Row, new: Row) -> Iterator[CellChange]:
    for name, header in _IN_FLOW.items():
        if old[name] != new[name]:
            yield CellChange(header, _text(old[name]), _text(new[name]))


def _text(cell: object) -> str:
    if cell is None:
        return ""
    text = f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
    return text.rstrip("0").rstrip(".") if "." in text and isinstance(cell, Decimal) else text
