"""What waits and for how long: not sent, sent back and not corrected, waiting for review; and the reminders.

The text to copy names units and a day, a mail neither: nothing of a unit leaves by mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from etl import clerk, filing, mail, periods, registers
from etl.ledger import jobs, registry, review, submissions, tables
from etl.ledger.jobs import Outcome
from etl.ledger.review import WAITING
from etl.ledger.schema import reading
from etl.ledger.submissions import State
from etl.locks import alone
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed, Role
from etl.warehouse.reporting import reminder_text
from etl.warehouse.scope import Scope

# Days before the due day from which a unit is reminded.
AHEAD_DAYS = 3
LOCK = ".remind.lock"
NOT_SENT = ("未报", State.暂存.value)
# They remind every unit at once.
SENDERS = frozenset({Role.ANALYST, Role.ADMIN})


class RemindersRunning(Exception):
    """Another run is at it; the message says what to do."""


@dataclass(frozen=True)
class Clock:
    """One unit-month that somebody has to move. `since`: the due day, or the day of the step that it stands at.

    `days` since then, negative = still left; `state` is the unit-month's; `submission_id` None = nothing begun.
    """

    unit_code: str
    name: str
    county_code: str
    month: date
    submission_id: int | None
    state: str
    since: date
    days: int


@dataclass(frozen=True)
class Clocks:
    """The three clocks, the longest first. `unsent` has the newest month from its first day on, earlier ones too."""

    unsent: tuple[Clock, ...]
    returned: tuple[Clock, ...]
    waiting: tuple[Clock, ...]

    @property
    def late(self) -> tuple[Clock, ...]:
        """Those of `unsent` whose due day is over."""
        return tuple(one for one in self.unsent if one.days > 0)

    @property
    def badge(self) -> int:
        """How many wait too long or for somebody: late, sent back, or waiting for review."""
        return len(self.late) + len(self.returned) + len(self.waiting)


@dataclass(frozen=True)
class Reminder:
    """A month's reminder: who has not sent it (code, name), who has to correct (any month), the text to copy."""

    month: date
    due_on: date
    unsent: tuple[tuple[str, str], ...]
    returned: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True)
class Sent:
    """Mails that went out. `units` were reminded; of `without_contact` no address is known; `refused` by the server."""

    units: tuple[str, ...]
    without_contact: tuple[str, ...]
    refused: int


def clocks(
    work: Workplace, counties: frozenset[str] | None = None, units: frozenset[str] | None = None
) -> Clocks:
    """What waits, of all units, of those in these counties that month, or of these. Empty: nothing waits."""
    names, dues = filing.names(work), clerk.due(work, frozenset(filing.names(work)))
    made: dict[str, list[Clock]] = {"unsent": [], "returned": [], "waiting": []}
    with reading(work.ledger) as connection:
        places: dict[date, dict[str, sa.RowMapping]] = {}

        def add(kind: str, unit: str, month: date, number: int | None, state: str, from_day: date) -> None:
            if month not in places:
                places[month] = registry.in_force(connection, month, work.today)
            county = places[month][unit]["county_code"] if unit in places[month] else ""
            if (counties is None or county in counties) and (units is None or unit in units):
                days = (work.today - from_day).days
                made[kind].append(
                    Clock(unit, names.get(unit, unit), county, month, number, state, from_day, days)
                )

        for due in dues:
            if due.state in NOT_SENT:
                add("unsent", due.unit_code, due.month, due.submission_id, due.state, due.due_on)
        since = review.standing_since(connection, (State.退回, *WAITING))
        for row in submissions.submissions_as_of(connection, work.today).to_pylist():
            number = row["submission_id"]
            if number in since:
                kind = "returned" if row["state"] == State.退回 else "waiting"
                add(kind, row["unit_code"], row["month"], number, row["state"], since[number])
    return Clocks(*(tuple(sorted(found, key=_longest)) for found in made.values()))


def reminder(work: Workplace, month: date | None = None, counties: frozenset[str] | None = None) -> Reminder:
    """Who is to be reminded of a month (the newest complete one), as text to copy without a figure.

    Empty: the text where nobody is missing.
    """
    month = month or periods.last_complete_month(work.today)
    plan, found = work.declared.plan, clocks(work, counties)
    due_on = periods.due_date(month, plan.due_day, plan.holidays, plan.workdays)
    unsent = _units(one for one in found.unsent if one.month == month)
    text = reminder_text(month, due_on, [name for _, name in unsent], plan.basis)
    return Reminder(month, due_on, unsent, _units(found.returned), text)


def contacts(work: Workplace, scope: Scope) -> dict[str, tuple[str, ...]] | None:
    """Unit code → its people in use as the scope may read them (name, address), masked but for those who review.

    Empty: None for a role that does not see them; a unit without a contact is not in it.
    """
    if not registers.may_read("contacts", scope.role):
        return None
    with reading(work.ledger) as connection:
        codes = registry.unit_codes(connection, work.today)
    found: dict[str, list[str]] = {}
    for row in registers.rows_of(work, "contacts", scope):
        if row["is_active"] == "是":
            unit = codes.get(row["unit_code"]) or row["unit_code"]
            found.setdefault(unit, []).append(f"{row['person']} {row['email']}")
    return {unit: tuple(people) for unit, people in found.items()}


def send(work: Workplace, actor: Actor) -> Sent:
    """Mail those who are late, due within AHEAD_DAYS, or have a return to correct; once a day each.

    It is written down as a job, without addresses. Errors: NotAllowed for whoever is not the bureau's;
    MailUnavailable, also where no server is configured; RemindersRunning.
    """
    if actor.role not in SENDERS:
        raise NotAllowed("催报邮件由市交通运输局发送。")
    server = mail.server()
    with alone(work.home / LOCK, RemindersRunning("另一次催报正在进行，请稍候再试。")):
        return _send(work, server, actor)


def _send(work: Workplace, server: mail.Server, actor: Actor) -> Sent:
    found = clocks(work)
    wanted = {one.unit_code for one in (*found.unsent, *found.returned) if one.days >= -AHEAD_DAYS}
    with work.ledger.begin() as connection:
        for job in jobs.newest(connection, 100, jobs.REMINDER):
            if job.started_at.date() == periods.today():
                wanted -= set(job.detail.get("units", ()))
        codes = registry.unit_codes(connection, work.today)
        known: dict[str, list[str]] = {}
        for row in tables.rows_as_of(connection, "contacts", work.today):
            if row["is_active"] == "是":
                known.setdefault(codes.get(row["unit_code"]) or row["unit_code"], []).append(row["email"])
        job_id = jobs.begin(connection, jobs.REMINDER, actor.name)
    asked = sorted(wanted & set(known))
    try:
        refused = mail.send(server, list(dict.fromkeys(address for unit in asked for address in known[unit])))
    except mail.MailUnavailable as failure:
        with work.ledger.begin() as connection:
            jobs.end(connection, job_id, Outcome.FAILED, str(failure))
        raise
    units = tuple(unit for unit in asked if set(known[unit]) - set(refused))
    sent = Sent(units, tuple(sorted(wanted - set(known))), len(refused))
    message = f"已提醒{len(sent.units)}家"
    message += f"，{len(sent.without_contact)}家没有联系人" if sent.without_contact else ""
    message += f"，{sent.refused}个邮箱被拒收" if sent.refused else ""
    outcome = Outcome.PARTLY if sent.refused or sent.without_contact else Outcome.DONE
    detail = {"units": list(sent.units), "without_contact": list(sent.without_contact)}
    with work.ledger.begin() as connection:
        jobs.end(connection, job_id, outcome, f"{message}。", detail)
    return sent


def _units(found: Iterable[Clock]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((one.unit_code, one.name) for one in found))


def _longest(one: Clock) -> tuple[int, date, str]:
    return -one.days, one.month, one.name
