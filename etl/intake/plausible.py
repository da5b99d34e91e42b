"""Whether a month can be so: against the unit's own past, its spur, and its own rail dispatch.

The staged rows are summed once in DuckDB; the sums, a few for each unit-month, are compared here in
exact decimals. What is found needs an explanation (核实) and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from etl.intake import rules
from etl.intake.history import History
from etl.intake.result import Tally
from etl.intake.stage import Stage
from etl.intake.statements import statement
from etl.periods import add_months, last_day

_TEN_THOUSAND = Decimal(10_000)


@dataclass(frozen=True)
class Flow:
    """One flow of a unit-month: all its tonnes, and the row with the most of them (None: of the past)."""

    unit_code: str
    month: date
    mode: str
    direction: str
    commodity: str
    tonnes: Decimal
    row: int | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.unit_code, self.mode, self.direction, self.commodity


@dataclass(frozen=True)
class Usual:
    """A mode's month by the past: `middle` of the same month in earlier years, `recent` of the last months.

    `width` is how far a month may be from them: so many median deviations of all months.
    """

    middle: Decimal
    recent: Decimal
    width: Decimal
    when: str

    def is_above(self, tonnes: Decimal) -> bool:
        """More than the season and more than the last months: growth that has lasted is no finding."""
        return tonnes > max(self.middle, self.recent) + self.width

    def is_below(self, tonnes: Decimal) -> bool:
        return tonnes < min(self.middle, self.recent) - self.width


class UnitPast:
    """What one unit reported before a month."""

    def __init__(self, rows: list[dict], month: date) -> None:
        earlier = [row for row in rows if row["month"] < month]
        self.month = month
        self.months = sorted({row["month"] for row in earlier})
        self.flows: dict[tuple[str, str, str], dict[date, Decimal]] = {}
        self.modes: dict[str, dict[date, Decimal]] = {}
        for row in earlier:
            if row["mode"] is None:
                continue
            flow = self.flows.setdefault((row["mode"], row["direction"], row["commodity"]), {})
            flow[row["month"]] = flow.get(row["month"], Decimal(0)) + row["tonnes"]
            mode = self.modes.setdefault(row["mode"], {})
            mode[row["month"]] = mode.get(row["month"], Decimal(0)) + row["tonnes"]

    def reference(self, flow: Flow) -> tuple[date, Decimal] | None:
        """The same flow a year ago, else in the newest of the twelve months before. Empty: never moved."""
        known = {m: t for m, t in self.flows.get(flow.key[1:], {}).items() if t > 0}
        year_ago = add_months(self.month, -12)
        recent = [m for m in known if m >= year_ago]
        if not recent:
            return None
        month = year_ago if year_ago in known else max(recent)
        return month, known[month]

    def usual(self, mode: str) -> Usual | None:
        """What a mode's month has been. Empty: too short a history, or no tonnes in any such month."""
        if len(self.months) < rules.LEAST_MONTHS:
            return None
        tonnes = {m: self.modes.get(mode, {}).get(m, Decimal(0)) for m in self.months}
        same = [t for m, t in tonnes.items() if m.month == self.month.month]
        middle = median(same) if same else Decimal(0)
        if not middle:
            return None
        centre = median(tonnes.values())
        deviation = median(abs(t - centre) for t in tonnes.values())
        return Usual(
            middle=middle,
            recent=median([tonnes[m] for m in self.months[-rules.RECENT_MONTHS :]]),
            width=rules.DEVIATIONS * max(deviation, middle * rules.LEAST_DEVIATION),
            when="去年同月" if len(same) == 1 and add_months(self.month, -12) in tonnes else "往年同月",
        )


def list_unlikely(staged: Stage, history: History | None, rail: frozenset[str], totals: Tally) -> None:
    """Add what is implausible to `totals`. Without a history only the file itself is asked.

    `rail`: the names of the modes that are rail.
    """
    if staged.has_drayage:
        _list_drayage(staged, rail, totals)
    if history is None:
        return
    flows = [Flow(*row) for row in staged.con.execute(statement("read/flows")).fetchall()]
    past: dict[str, list[dict]] = {}
    for row in history.flows.to_pylist():
        past.setdefault(row["unit_code"], []).append(row)
    spurs = history.spurs.to_pylist()
    for unit_code, month, first_row in staged.con.execute(statement("read/first_rows")).fetchall():
        own = [flow for flow in flows if (flow.unit_code, flow.month) == (unit_code, month)]
        before = UnitPast(past.get(unit_code, []), month)
        slipped = set()
        for code, flow, known in _slips(own, before):
            slipped.add(flow.mode)
            _add(staged, totals, code, flow.row, "tonnes", known)
        for mode, code, row, known in _unusual(own, before):
            if mode not in slipped:
                _add(staged, totals, code, row or first_row, "tonnes" if row else "mode", known)
        rail_flows = [flow for flow in own if flow.mode in rail]
        if known := _over_capacity(rail_flows, _capacity(spurs, unit_code, month)):
            _add(staged, totals, "P001", _largest(rail_flows).row, "tonnes", known)


def _list_drayage(staged: Stage, rail: frozenset[str], totals: Tally) -> None:
    found = staged.con.execute(statement("read/drayage"), {"rail": sorted(rail)}).fetchall()
    for _month, station, drayed, sent, row in found:
        if abs(drayed - sent) > sent * rules.DRAYAGE_LEEWAY:
            known = f"短驳到{station}共{_plain(drayed)}吨，本单位由{station}铁路发运{_plain(sent)}吨"
            _add(staged, totals, "P002", row, "tonnes", known)


def _slips(flows: list[Flow], before: UnitPast) -> Iterator[tuple[str, Flow, str]]:
    """Flows that look like tonnes for 万吨 or the reverse. A written 0 is no slip."""
    for flow in flows:
        if (found := before.reference(flow)) is None or not flow.tonnes:
            continue
        month, tonnes = found
        known = f"{month.year}年{month.month}月同一货流为{_plain(tonnes)}吨"
        if flow.tonnes >= tonnes * rules.UNIT_SLIP:
            yield "H001", flow, known
        elif flow.tonnes * rules.UNIT_SLIP <= tonnes:
            yield "H002", flow, known


def _unusual(flows: list[Flow], before: UnitPast) -> Iterator[tuple[str, str, int | None, str]]:
    """Modes whose month is far from the same month of earlier years; row None: the mode is gone."""
    by_mode: dict[str, list[Flow]] = {mode: [] for mode in before.modes}
    for flow in flows:
        by_mode.setdefault(flow.mode, []).append(flow)
    for mode, own in by_mode.items():
        if (usual := before.usual(mode)) is None:
            continue
        now = sum((flow.tonnes for flow in own), Decimal(0))
        said = f"{mode}运量合计{_plain(now)}吨，比{usual.when}"
        if not own and usual.is_below(now):
            yield mode, "H005", None, f"{usual.when}{mode}运量{_plain(usual.middle)}吨"
        elif usual.is_above(now):
            yield mode, "H003", _largest(own).row, f"{said}多{_more(now, usual.middle)}"
        elif own and usual.is_below(now):
            yield mode, "H004", _largest(own).row, f"{said}少{_less(now, usual.middle)}"


def _capacity(spurs: list[dict], unit_code: str, month: date) -> Decimal | None:
    """What the unit's open spurs can carry in a year, in tonnes. Empty: no spur, or one of unknown capacity."""
    lines = {
        spur["spur_code"]: spur["capacity"]
        for spur in spurs
        if spur["user_code"] == unit_code
        and spur["state"] == "开通"
        and (spur["opened_on"] or month) <= last_day(month)
        and (spur["use_from"] or month) <= last_day(month)
        and (spur["use_to"] or month) >= month
    }
    if not lines or not all(lines.values()):
        return None
    return sum((Decimal(capacity) for capacity in lines.values()), Decimal(0)) * _TEN_THOUSAND


def _over_capacity(flows: list[Flow], capacity: Decimal | None) -> str | None:
    tonnes = sum((flow.tonnes for flow in flows), Decimal(0))
    if capacity is None or tonnes * 12 <= capacity * rules.CAPACITY_LEEWAY:
        return None
    month = (capacity / 12).quantize(Decimal(1), ROUND_HALF_UP)
    return f"铁路运量合计{_plain(tonnes)}吨，专用线设计能力平均每月{month}吨"


def _largest(flows: list[Flow]) -> Flow:
    return max(flows, key=lambda flow: (flow.tonnes, -(flow.row or 0)))


def _add(staged: Stage, totals: Tally, code: str, row: int | None, field: str, known: str) -> None:
    ((value,),) = staged.con.view("line").filter(f"row_no = {row}").project(field).fetchall()
    totals.add(
        rules.finding(
            code, sheet=staged.source.sheet, row=row, column=staged.headers[field], value=value, known=known
        )
    )


def _more(now: Decimal, before: Decimal) -> str:
    """How much more in words: 3倍, 1.5倍, or below one 40%."""
    more = now / before - 1
    if more < 1:
        return f"{_whole(more * 100)}%"
    return f"{_plain(more.quantize(Decimal('0.1'), ROUND_HALF_UP))}倍"


def _less(now: Decimal, before: Decimal) -> str:
    """How much less: 40%; what is not all of it never reads 100%."""
    part = _whole((1 - now / before) * 100)
    return "99%以上" if part == "100" and now else f"{part}%"


def _whole(number: Decimal) -> str:
    return str(number.quantize(Decimal(1), ROUND_HALF_UP))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
