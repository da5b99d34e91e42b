"""The receipt of a return, the sheet of it to print and seal, and whose receipt a file has.

Tonnes come from warehouse/sql/ on a warehouse of the one unit in memory: the return itself in its month,
whatever its state, and what is accepted in the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from etl import periods, wording
from etl.briefing.pdf import render
from etl.intake.returned import in_general
from etl.intake.rules import BY_CODE
from etl.intake.template import FORM_NUMBER
from etl.ledger import receipts, registry
from etl.ledger.receipts import HandedIn
from etl.ledger.schema import reading
from etl.ledger.submissions import State
from etl.pipeline import Workplace, known_on
from etl.warehouse.build import CONFIG, fill
from etl.warehouse.preview import of_unit
from etl.warehouse.scope import NotVisible
from etl.warehouse.snapshot import Snapshot

# What a sheet says of a month that is in no figure; any other state is that of a return on its way.
MISSING = "未报"
NOT_DUE = "不应报"
PAUSED = "停产"
# Three decimals are as many as a return may have.
_DECIMALS = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """A receipt that names a file. `is_current`: the return still is this file, not a later one."""

    submission_id: int
    unit_code: str
    name: str
    month: date
    version: int
    state: State
    received_on: date
    is_current: bool


def receipt_pdf(work: Workplace, submission_id: int, units: frozenset[str] | None = None) -> bytes:
    """The receipt of a return (回执), A4; `units`, where given, are the only ones whose may be seen.

    Errors: NotHandedIn, NotVisible.
    """
    made = _Return(work, submission_id, units)
    return render(
        "receipt", made.head() | _receipt(made), f"{made.area}公转铁月报回执（编号{submission_id}）"
    )


def sheet_pdf(work: Workplace, submission_id: int, units: frozenset[str] | None = None) -> bytes:
    """The return as a sheet to print and seal (打印盖章表), A4 landscape; `units` as for the receipt.

    Errors: NotHandedIn, NotVisible.
    """
    made = _Return(work, submission_id, units)
    title = f"{made.area}公转铁月报（{made.name}，{wording.month_text(made.one.month)}）"
    return render("sheet", made.head() | _sheet(made), title)


def receipts_for(work: Workplace, sha256: str, units: frozenset[str] | None) -> list[Receipt]:
    """The receipts that name a file of this SHA-256, newest first; of `units` only, where given.

    Empty: such a file was never handed in.
    """
    with reading(work.ledger) as connection:
        found = receipts.naming(connection, sha256.strip().lower(), units)
        units_known = registry.registry_as_of(connection, work.today).to_pylist() if found else []
    return [
        Receipt(
            one.submission_id,
            one.unit_code,
            _unit(units_known, one.unit_code, one.received_on)["name"],
            one.month,
            one.version,
            one.state,
            one.received_on,
            one.is_current,
        )
        for one in found
    ]


# ------------------------------------------------------------------------------------- what both rest on


class _Return:
    """A return with its unit and figures: what the ledger and the warehouse of the unit say of it."""

    def __init__(self, work: Workplace, submission_id: int, units: frozenset[str] | None) -> None:
        with reading(work.ledger) as connection:
            self.one = receipts.handed_in(connection, submission_id)
        if units is not None and self.one.unit_code not in units:
            raise NotVisible("没有这份月报，或当前身份不能查看。")
        self.work = work
        self.plan = work.declared.plan
        self.area = self.plan.area_name
        inputs = known_on(work, work.today)
        unit, month = self.one.unit_code, self.one.month
        self.unit = _unit(inputs.registry.to_pylist(), unit, self.one.received_on)
        self.name = self.unit["name"]
        self.first = date(month.year - 1, 1, 1)
        files = {work.home / self.one.rows_file: self.one.rows_file} if self.one.rows_file else {}
        own = of_unit(inputs, unit, self.first, files)
        others = own.submissions.filter(pc.field("month") != pa.scalar(month))
        this = pa.Table.from_pylist([_as_accepted(self.one)], others.schema)
        own = replace(
            own,
            submissions=pa.concat_tables([others, this]),
            reports=inputs.reports.filter(pc.field("unit_code") == pa.scalar(unit)),
        )
        with duckdb.connect(config=CONFIG) as connection:
            fill(connection, own, work.declared, work.today)
            snapshot = Snapshot(Path("receipt"), connection)
            self.rows = snapshot.rows("sheet", unit=unit, month=month)
            reports = snapshot.rows(
                "unit_reports", first=self.first, last=month, unit=unit, county=None, scope_counties=None,
                scope_units=None,
            )  # fmt: skip
        self.reports: dict[date, Row] = {report["month"]: report for report in reports}

    def head(self) -> Row:
        """What stands on every document."""
        one = self.one
        return {
            "area": self.area,
            "is_demo": self.work.declared.is_demo,
            "basis": self.plan.basis,
            "number": str(one.submission_id),
            "name": self.name,
            "uscc": self.unit["uscc"],
            "unit_code": "" if one.unit_code == self.unit["uscc"] else one.unit_code,
            "month": wording.month_text(one.month),
            "version": f"第{one.version}版",
            "state": one.state.value,
            "today": _day_text(self.work.today),
            "replaced": _replaced(one),
            "is_zero": one.is_zero,
        }

    def totals(self, level: str, *, is_drayage: bool) -> list[Row]:
        return [row for row in self.rows if (row["level"], row["is_drayage"]) == (level, is_drayage)]


def _as_accepted(one: HandedIn) -> Row:
    """The return in the place of what is accepted for its month."""
    return {
        "submission_id": one.submission_id,
        "unit_code": one.unit_code,
        "month": one.month,
        "version": one.version,
        "received_on": one.received_on,
        "accepted_on": one.received_on,
        "is_zero": one.is_zero,
        "rows_file": one.rows_file,
        "file_sha256": one.sha256,
        "file_name": one.file_name,
        "first_received_on": one.first_received_on,
        "row_count": one.rows,
    }


def _unit(units: list[Row], unit_code: str, day: date) -> Row:
    """The unit as the registry had it on a day; its code alone where the registry knows it no longer."""
    rows = [row for row in units if row["unit_code"] == unit_code]
    if not rows:
        return {"unit_code": unit_code, "uscc": unit_code, "name": unit_code}
    held = [row for row in rows if (row["valid_from"] or date.min) <= day]
    return max(held, key=lambda row: row["valid_from"] or date.min) if held else rows[0]


def _replaced(one: HandedIn) -> str:
    if one.replaced_by is None:
        return ""
    version, number = one.replaced_by
    return f"本版已由第{version}版（回执编号{number}）更正，以第{version}版为准。"


def _day_text(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


# --------------------------------------------------------------------------------------------- the receipt


def _receipt(made: _Return) -> Row:
    one = made.one
    reasons = [("更正原因", one.reason if one.version > 1 else ""), ("退回原因", one.sent_back)]
    return {
        "received": _received(one),
        "timeliness": _timeliness(made),
        "reasons": [[label, text] for label, text in reasons if text],
        **_modes(made),
        "explanations": [
            [code, "".join(in_general(BY_CODE[code], "此处", "…")[:1]), text]
            for code, text in sorted(one.explanations.items())
        ],
        "file_name": one.file_name,
        "sha256": one.sha256,
    }


def _received(one: HandedIn) -> str:
    """The day and, unless staff entered it in bulk, the time."""
    if one.received_at is None:
        return f"{_day_text(one.received_on)}（批量登记）"
    return f"{_day_text(one.received_on)} {one.received_at:%H:%M:%S}（北京时间）"


def _timeliness(made: _Return) -> str:
    one, report = made.one, made.reports[made.one.month]
    due_on = report["due_on"]
    first = (
        "" if one.first_received_on == one.received_on else f"首次收到于{_day_text(one.first_received_on)}，"
    )
    if not report["is_late"]:
        return f"按时（{first}截止日{_day_text(due_on)}）"
    if not report["is_expected"]:
        return "该月不应报，不计是否按时"
    late = (one.first_received_on - due_on) // timedelta(days=1)
    return f"迟报{late}天（{first}截止日{_day_text(due_on)}）"


def _modes(made: _Return) -> Row:
    """Lines of mode, rows, 吨, 万吨: each mode, then what they sum to, 短驳 apart, and all that was received."""
    digits = _digits(row["month_tonnes"] for row in made.rows)

    def line(label: str, rows: int, tonnes: Decimal) -> list[str]:
        return [label, str(rows), wording.number(tonnes, digits), wording.wan(tonnes)]

    def lines(level: str, label: str = "", *, is_drayage: bool = False) -> list[list[str]]:
        found = (row for row in made.totals(level, is_drayage=is_drayage) if row["month_rows"])
        return [line(label or row["mode"], row["month_rows"], row["month_tonnes"]) for row in found]

    drayage = lines("all", "短驳（接驳环节，不计入运量）", is_drayage=True)
    carried = lines("all", "运量合计") if drayage else []
    everything = line("收到合计", made.one.rows, made.one.tonnes)
    return {"modes": lines("mode"), "sums": [*carried, *drayage, everything]}


# ----------------------------------------------------------------------------------------------- the sheet


def _sheet(made: _Return) -> Row:
    month = made.one.month
    this = _Period(made, periods.months_between(month.replace(month=1), month))
    before = _Period(made, periods.months_between(made.first, month.replace(year=month.year - 1)))
    digits = _digits(
        row[column]
        for row in made.rows
        for column in ("month_tonnes", "year_tonnes", "month_before_tonnes", "year_before_tonnes")
    )

    def cells(row: Row) -> list[str]:
        last = before.states[before.months[-1]]
        in_words = wording.NONE if last == NOT_DUE else last
        year_before = row["year_before_tonnes"] if before.has_any else None
        may_compare = this.is_whole and before.is_whole
        return [
            wording.number(row["month_tonnes"], digits),
            in_words or wording.number(row["month_before_tonnes"], digits),
            wording.growth(row["month_tonnes"], row["month_before_tonnes"]),
            wording.number(row["year_tonnes"], digits),
            wording.number(year_before, digits),
            wording.growth(row["year_tonnes"], year_before) if may_compare else wording.NONE,
        ]

    nothing = dict.fromkeys(
        ("month_tonnes", "year_tonnes", "month_before_tonnes", "year_before_tonnes"), Decimal(0)
    )
    rail = [row for row in made.totals("rail", is_drayage=False) if row["is_rail"]]
    return {
        "form": FORM_NUMBER,
        "document": made.plan.document,
        "year": wording.period_text(month.year, month.month),
        "year_before": wording.period_text(month.year - 1, month.month),
        "month_before": wording.month_text(month.replace(year=month.year - 1)),
        "gap": this.gap(),
        "gap_before": before.gap(),
        "totals": [
            ["合计", *cells(next(iter(made.totals("all", is_drayage=False)), nothing))],
            ["其中：铁路", *cells(next(iter(rail), nothing))],
        ],
        "flows": [_flow(row, cells) for row in made.totals("flow", is_drayage=False)],
        "drayage_total": [cells(row) for row in made.totals("all", is_drayage=True)],
        "drayage": [_flow(row, cells) for row in made.totals("flow", is_drayage=True)],
        "notes": [*_notes(this, before), *_warnings(made.one)],
    }


def _flow(row: Row, cells: Callable[[Row], list[str]]) -> list[str]:
    return [row["commodity"], row["direction"], row["mode"], *cells(row)]


class _Period:
    """January to a month: which of its months are in the figures, and what stands in the way of the others.

    `states`: None for a month with a return that counts, else 未报, 不应报, 停产 or where the return is.
    """

    def __init__(self, made: _Return, months: list[date]) -> None:
        self.months = months
        self.states = {month: _state(made.reports.get(month)) for month in months}

    @property
    def has_any(self) -> bool:
        return None in self.states.values()

    @property
    def is_whole(self) -> bool:
        """No month is missing; one of a stop of production has nothing to say."""
        return set(self.states.values()) <= {None, PAUSED}

    def gap(self) -> str:
        """缺2月: the months that should be in the sum and are not. Empty: none."""
        missing = [m for m, state in self.states.items() if state not in (None, PAUSED, NOT_DUE)]
        return f"缺{_months_text(missing)}" if missing else ""


def _state(report: Row | None) -> str | None:
    if report is None:
        return NOT_DUE
    if report["is_accepted"]:
        return None
    if report["workflow_state"] in (None, State.暂存):
        return report["state"]
    return report["workflow_state"]


def _notes(this: _Period, before: _Period) -> Iterator[str]:
    """What a reader must know of the months that are in no figure."""
    for period in (this, before):
        for state in dict.fromkeys(period.states.values()):
            months = [month for month, one in period.states.items() if one == state]
            if state is not None:
                text = f"{months[0].year}年{_months_text(months)}"
                yield f"{text}{_why(state)}，累计中不含。"
    if not (this.is_whole and before.is_whole):
        yield "两年累计的月份不同，不计算累计同比。"


def _warnings(one: HandedIn) -> Iterator[str]:
    if one.state is State.退回:
        yield f"本版已退回（{one.sent_back}），请改正并重新上报后再打印盖章。"
    if replaced := _replaced(one):
        yield replaced


def _why(state: str) -> str:
    return {MISSING: "未报", NOT_DUE: "不在应报期", PAUSED: "停产"}.get(
        state, f"的月报尚未通过审核（{state}）"
    )


def _months_text(months: list[date]) -> str:
    """1—3、5月: months of one year, in order."""
    runs: list[list[int]] = []
    for number in (month.month for month in months):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = (f"{run[0]}—{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"{'、'.join(said)}月"


def _digits(values: Iterator[Decimal]) -> int:
    """As many decimals as any figure of the document has, so that each is exact and all line up."""
    places = [-int(value.normalize().as_tuple().exponent) for value in values if value]
    return min(max([0, *places]), _DECIMALS)
