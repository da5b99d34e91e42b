"""Months, the clock and the due day."""

from __future__ import annotations

from datetime import date

import pytest

from etl import periods
from etl.periods import (
    SHANGHAI,
    add_months,
    due_date,
    last_complete_month,
    last_day,
    month_of,
    months_between,
)


@pytest.mark.parametrize(
    ("month", "due"),
    [
        # 2025-09-08 is a Monday.
        ((2025, 8), (2025, 9, 8)),
        # 2025-11-08 is a Saturday, 2025-06-08 a Sunday: the Monday after.
        ((2025, 10), (2025, 11, 10)),
        ((2025, 5), (2025, 6, 9)),
        # Over the end of the year.
        ((2025, 12), (2026, 1, 8)),
    ],
)
def test_a_return_is_due_on_the_8th_or_the_next_working_day(month: tuple, due: tuple):
    assert due_date(date(*month, 1), 8) == date(*due)


def test_the_due_day_moves_over_entered_holidays():
    """国庆 and 中秋 2025 end on Wednesday the 8th: due on the 9th; on a holiday before a weekend, on the Monday."""
    holidays = {date(2025, 10, day) for day in range(1, 9)}
    assert due_date(date(2025, 9, 1), 8, holidays) == date(2025, 10, 9)
    assert due_date(date(2026, 4, 1), 8, {date(2026, 5, 8)}) == date(2026, 5, 11)
    assert due_date(date(2025, 9, 1), 8) == date(2025, 10, 8)


def test_a_worked_saturday_is_a_working_day():
    """2025-11-08 and 2026-02-14 are Saturdays, worked for a holiday (调休)."""
    assert due_date(date(2025, 10, 1), 8, (), {date(2025, 11, 8)}) == date(2025, 11, 8)
    # The Sunday is worked, the Saturday is not.
    assert due_date(date(2025, 10, 1), 8, (), {date(2025, 11, 9)}) == date(2025, 11, 9)
    assert due_date(date(2026, 1, 1), 13, {date(2026, 2, 13)}, {date(2026, 2, 14)}) == date(2026, 2, 14)


def test_a_holiday_goes_before_a_worked_day():
    day = date(2025, 11, 8)
    assert due_date(date(2025, 10, 1), 8, {day}, {day}) == date(2025, 11, 10)


def test_months():
    assert month_of("2025-09") == date(2025, 9, 1)
    assert [add_months(date(2025, 1, 1), n) for n in (-13, -1, 0, 1, 11, 12)] == [
        date(2023, 12, 1), date(2024, 12, 1), date(2025, 1, 1), date(2025, 2, 1), date(2025, 12, 1),
        date(2026, 1, 1),
    ]  # fmt: skip
    assert [last_day(date(2024, m, 1)) for m in (2, 4, 12)] == [
        date(2024, 2, 29),
        date(2024, 4, 30),
        date(2024, 12, 31),
    ]
    assert last_day(date(2025, 2, 14)) == date(2025, 2, 28)
    assert months_between(date(2024, 12, 1), date(2025, 2, 1)) == [
        date(2024, 12, 1),
        date(2025, 1, 1),
        date(2025, 2, 1),
    ]
    assert months_between(date(2025, 2, 1), date(2025, 1, 1)) == []


@pytest.mark.parametrize("text", ["2025-9", "2025-13", "202509", "2025-09-01", "", "2025年9月"])
def test_what_is_no_month(text: str):
    with pytest.raises(ValueError, match=f"{text}|month must be"):
        month_of(text)


@pytest.mark.parametrize(
    ("day", "month"),
    [((2025, 10, 1), (2025, 9, 1)), ((2025, 9, 30), (2025, 8, 1)), ((2025, 1, 31), (2024, 12, 1))],
)
def test_a_month_is_complete_when_it_is_over(day: tuple, month: tuple):
    assert last_complete_month(date(*day)) == date(*month)


def test_the_clock_can_be_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", "2026-10-12")
    assert periods.today() == date(2026, 10, 12)
    assert periods.now().date() == date(2026, 10, 12)
    assert periods.now().utcoffset() == SHANGHAI.utcoffset(periods.now())


@pytest.mark.parametrize("unset", [None, ""])
def test_the_clock_is_shanghais(monkeypatch: pytest.MonkeyPatch, unset: str | None):
    monkeypatch.delenv("RAILSHIFT_TODAY", raising=False)
    if unset is not None:
        monkeypatch.setenv("RAILSHIFT_TODAY", unset)
    moment = periods.now()
    offset = moment.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == 8 * 3600
    assert periods.today() in (moment.date(), periods.now().date())


def test_a_clock_that_is_no_day_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", "12.10.2026")
    with pytest.raises(ValueError, match=r"12\.10\.2026"):
        periods.today()
