"""Months, the clock and the due day. Time is Asia/Shanghai everywhere.

A month is a `datetime.date` on its first day; on screen it is 2025年9月, in files 2025-09.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK_VARIABLE = "RAILSHIFT_TODAY"


def now() -> datetime:
    """This moment in Shanghai. RAILSHIFT_TODAY (YYYY-MM-DD) sets the day; the time of day stays real."""
    real = datetime.now(SHANGHAI)
    fixed = os.environ.get(CLOCK_VARIABLE)
    if not fixed:
        return real
    return datetime.combine(date.fromisoformat(fixed), real.timetz())


def today() -> date:
    """Today in Shanghai, or the day that RAILSHIFT_TODAY sets."""
    return now().date()


def month_of(text: str) -> date:
    """The first day of a month written YYYY-MM.

    Errors: ValueError for anything else.
    """
    if len(text) != 7:
        raise ValueError(text)
    return date.fromisoformat(f"{text}-01")


def add_months(month: date, count: int) -> date:
    """The first day of the month `count` months later (earlier when negative)."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def last_day(month: date) -> date:
    """The last day of a month given by any of its days."""
    return add_months(month.replace(day=1), 1) - timedelta(days=1)


def last_complete_month(day: date) -> date:
    """The month before the one that `day` lies in: the newest that returns can be due for."""
    return add_months(day.replace(day=1), -1)


def months_between(first: date, last: date) -> list[date]:
    """Each month from `first` to `last`, both ends in."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [add_months(first, step) for step in range(count + 1)]


def due_date(
    month: date, due_day: int, holidays: Collection[date] = (), workdays: Collection[date] = ()
) -> date:
    """The last day on which the return for `month` is on time.

    The `due_day` of the following month, moved on past weekends and entered holidays;
    `workdays` are Saturdays and Sundays that are worked in exchange for a holiday.
    """
    day = add_months(month, 1).replace(day=due_day)
    while day in holidays or (day.weekday() >= 5 and day not in workdays):
        day += timedelta(days=1)
    return day
