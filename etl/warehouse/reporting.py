"""报送进度: who had to report a month, who did and when, and the reminder for those who did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from etl import periods, wording
from etl.warehouse import blocks
from etl.warehouse.blocks import table
from etl.warehouse.pages import Filters, ReportCell, Reporting, Table
from etl.warehouse.scope import Scope, check_sees_units
from etl.warehouse.snapshot import Snapshot

MATRIX_MONTHS = 12
COUNTS = ("应报", "已报", "按时", "迟报", "零申报", "未报")


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Reporting:
    """The page for the last month of the period, with the eleven months before it.

    Errors: NotVisible for who sees sums only.
    """
    check_sees_units(scope)
    month = date(filters.year, filters.through, 1)
    first = periods.add_months(month, 1 - MATRIX_MONTHS)
    reports = snapshot.rows(
        "unit_reports",
        first=first,
        last=month,
        unit=None,
        county=filters.county,
        scope_counties=scope.county_codes(),
        scope_units=scope.unit_codes(),
    )
    names = snapshot.units(scope)
    of_month = [row for row in reports if row["month"] == month]
    plan = snapshot.plan
    due_on = periods.due_date(month, plan.due_day, plan.holidays, plan.workdays)
    missing = [row for row in of_month if row["is_expected"] and not row["is_accepted"]]
    counts = _counts(of_month)
    return Reporting(
        head=blocks.head(snapshot, scope, filters, "报送进度"),
        sentence=_sentence(snapshot, month, due_on, counts),
        month=month,
        due_on=due_on,
        is_past_due=snapshot.as_of > due_on,
        counts=counts,
        counties=_counties(snapshot, of_month),
        months=_months(reports, first, month),
        county_months=_county_months(snapshot, reports, first, month),
        missing=tuple(
            (row["unit_code"], names[row["unit_code"]], snapshot.counties.get(row["county_code"], ""))
            for row in missing
        ),
        late=_late(snapshot, of_month, names),
        reminder=reminder_text(month, due_on, [names[row["unit_code"]] for row in missing], plan.basis),
        units=tuple((code, names[code]) for code in dict.fromkeys(row["unit_code"] for row in reports)),
        matrix_months=tuple(periods.months_between(first, month)),
        matrix=tuple(
            ReportCell(row["unit_code"], row["month"], _state(row), row["first_received_on"])
            for row in reports
        ),
    )


def _counts(rows: Iterable[dict]) -> dict[str, int]:
    counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    for row in rows:
        if not row["is_expected"]:
            continue
        counts["应报"] += 1
        if not row["is_accepted"]:
            counts["未报"] += 1
            continue
        counts["已报"] += 1
        counts["迟报" if row["is_late"] else "按时"] += 1
        counts["零申报"] += row["state"] == "零申报"
    return dict(counts)


def _state(row: dict) -> str:
    if not row["is_accepted"]:
        return row["workflow_state"] if row["workflow_state"] and row["is_expected"] else row["state"]
    if row["state"] == "零申报":
        return "零申报"
    return "迟报" if row["is_late"] else "按时"


def _sentence(snapshot: Snapshot, month: date, due_on: date, counts: dict[str, int]) -> str:
    period = wording.month_text(month)
    if not counts["应报"]:
        return f"{period}没有应报的单位。"
    done = f"{period}月报应报{counts['应报']}家，已报{counts['已报']}家"
    if counts["未报"]:
        done += f"，未报{counts['未报']}家"
    if counts["迟报"]:
        done += f"，迟报{counts['迟报']}家"
    left = (due_on - snapshot.as_of).days
    due = f"{due_on.month}月{due_on.day}日"
    if left > 0:
        return f"{done}；{due}截止，还有{left}天。"
    return f"{done}；今天截止。" if left == 0 else f"{done}；已于{due}截止。"


def _counties(snapshot: Snapshot, rows: Sequence[dict]) -> Table:
    listed = []
    for code, name in snapshot.counties.items():
        inside = [row for row in rows if row["county_code"] == code]
        counts = _counts(inside)
        if counts["应报"]:
            listed.append({"县区": name, **counts})
    return table("各县区报送", listed, ["县区", *COUNTS])


def _months(rows: Sequence[dict], first: date, last: date) -> Table:
    listed = [
        {"月份": wording.month_text(month), **_counts(row for row in rows if row["month"] == month)}
        for month in periods.months_between(first, last)
    ]
    return table("各月报送", listed, ["月份", *COUNTS])


def _county_months(snapshot: Snapshot, rows: Sequence[dict], first: date, last: date) -> Table:
    """The counts by county and month, the newest month first; a county without anything due has no row."""
    inside: dict[tuple[str, date], list[dict]] = {}
    for row in rows:
        inside.setdefault((row["county_code"], row["month"]), []).append(row)
    listed = []
    for code, name in snapshot.counties.items():
        for month in reversed(periods.months_between(first, last)):
            counts = _counts(inside.get((code, month), ()))
            if counts["应报"]:
                listed.append({"县区": name, "月份": wording.month_text(month), **counts})
    return table("各县区逐月报送", listed, ["县区", "月份", *COUNTS])


def _late(snapshot: Snapshot, rows: Iterable[dict], names: dict[str, str]) -> Table:
    listed = [
        {
            "单位": names[row["unit_code"]],
            "县区": snapshot.counties.get(row["county_code"], ""),
            "截止日期": row["due_on"],
            "收到日期": row["first_received_on"],
            "迟报天数": (row["first_received_on"] - row["due_on"]).days,
        }
        for row in rows
        if row["is_late"] and row["is_expected"]
    ]
    return table("迟报单位", listed, ["单位", "县区", "截止日期", "收到日期", "迟报天数"])


def reminder_text(month: date, due_on: date, names: Sequence[str], basis: str) -> str:
    """The text to copy: names and the day, never a figure."""
    if not names:
        return ""
    listed = "、".join(names)
    return (
        f"{listed}：\n{wording.month_text(month)}公转铁月报尚未收到，截止日期为{due_on.year}年{due_on.month}月"
        f"{due_on.day}日。请尽快登录系统报送；当月没有运输的，请报“零申报”。已报送的请忽略。\n（{basis}）"
    )
