"""重点任务: the plan's measures with the tasks under each, the problems, projects, promises and waybills of a scope.

Here it is settled what counts as overdue and how many of each there are; the page only draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from etl import filing, registers
from etl.intake.contracts import read_day
from etl.intake.finding import Finding
from etl.ledger import registry, tables
from etl.ledger.schema import reading
from etl.ledger.tables import Row
from etl.periods import month_of
from etl.pipeline import Workplace
from etl.reference import Declared, Measure
from etl.registers import Bulk
from etl.roles import Actor
from etl.warehouse.scope import Scope
from etl.wording import percent

NOT_BEGUN, RUNNING, DONE, HELD = "未开展", "推进中", "已完成", "暂缓"
OPEN, CLOSED = "未销号", "已销号"
BILL_MONTHS = 12
_DIGITS = "零一二三四五六七八九"


class NotClosed(Exception):
    """A problem that was not closed; the message (Chinese) says why and what to do."""


@dataclass(frozen=True)
class Task:
    """One task as it stands. `overdue`: days since its due day while it is neither done nor held, else 0.

    Empty: due_on and progress (percent) where none was set.
    """

    code: str
    measure: str
    task: str
    node: str
    due_on: date | None
    responsible: str
    supporting: str
    progress: Decimal | None
    state: str
    note: str
    overdue: int


@dataclass(frozen=True)
class Problem:
    """One problem as it stands. `overdue`: days since its due day while it is not closed, else 0.

    Empty: county_code where it is the city's; task_code where it belongs to the measure as a whole.
    """

    code: str
    measure: str
    task_code: str
    county_code: str
    problem: str
    responsible: str
    raised_on: date
    due_on: date | None
    state: str
    closed_on: date | None
    closing_basis: str
    overdue: int


@dataclass(frozen=True)
class MeasureTasks:
    """A measure of the plan with the tasks under it. Empty: no task was set."""

    measure: Measure
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Commitment:
    """A promise of a unit; `days_left` to the day it is due, negative = that day is over."""

    unit_code: str
    name: str
    measure: str
    tonnes: Decimal
    promised_on: date
    due_on: date
    basis: str
    days_left: int


@dataclass(frozen=True)
class BillMonth:
    """一单制 of one month: how many operators told it, and what they issued and moved together."""

    month: date
    operators: int
    waybills: int
    boxes: int


@dataclass(frozen=True)
class Board:
    """All that the page shows, under its filters. `own`: codes of tasks and problems of the scope's department.

    `may_close`: the open problems that whoever looks may close. `departments`: who is responsible for anything, to
    choose from, also where the filters leave them out. Empty: commitments is None for a role that does not see
    single units.
    """

    sentence: str
    measures: tuple[MeasureTasks, ...]
    problems: tuple[Problem, ...]
    own: frozenset[str]
    may_close: tuple[Problem, ...]
    projects: tuple[Row, ...]
    projects_sentence: str
    commitments: tuple[Commitment, ...] | None
    bills: tuple[BillMonth, ...]
    departments: tuple[str, ...]

    @property
    def tasks(self) -> tuple[Task, ...]:
        return tuple(task for block in self.measures for task in block.tasks)


def read(
    work: Workplace,
    scope: Scope,
    *,
    measure: str = "",
    department: str = "",
    county: str = "",
    only_overdue: bool = False,
) -> Board:
    """What the scope may see of it today. Filters ('' = all): a measure's clause, a 责任单位, a county's code.

    A county narrows tasks to those that name it or have a problem there; only_overdue leaves out every measure
    without an overdue task. Filters narrow the counts in the sentence too.
    """
    tasks = [_task(row, work.today) for row in registers.rows_of(work, "tasks", scope)]
    problems = [_problem(row, work.today) for row in registers.rows_of(work, "problems", scope)]
    departments = tuple(sorted({one.responsible for one in (*tasks, *problems)}))
    name = work.declared.county_names.get(county, "")
    there = {one.task_code for one in problems if one.county_code == county}

    def wanted(one: Task | Problem) -> bool:
        if isinstance(one, Problem):
            is_here = one.county_code == county
        else:
            is_here = one.code in there or (bool(name) and name in one.responsible + one.supporting)
        return (
            (not measure or one.measure == measure)
            and (not department or one.responsible == department)
            and (not county or is_here)
            and (not only_overdue or one.overdue > 0)
        )

    shown = [one for one in tasks if wanted(one)]
    listed = sorted((one for one in problems if wanted(one)), key=_open_first)
    blocks = _blocks(work.declared, shown, measure, everything=not (department or county or only_overdue))
    projects = [
        row
        for row in registers.rows_of(work, "projects", scope)
        if not county or row["county_code"] == county
    ]
    actor = Actor.of(scope)
    return Board(
        _sentence(work.declared, shown, listed),
        blocks,
        tuple(listed),
        frozenset(
            one.code
            for one in (*tasks, *problems)
            if actor.department and one.responsible == actor.department
        ),
        _closable(work, actor, problems),
        tuple(projects),
        _projects_sentence(registers.bulk_projects(projects), projects),
        _commitments(work, scope, county),
        _bills(registers.rows_of(work, "bills", scope)),
        departments,
    )


def close_problem(work: Workplace, code: str, closed_on: str, basis: str, actor: Actor) -> None:
    """销号: the problem is closed on a day, for a reason; nothing else of it changes.

    Errors: NotClosed for an unknown or closed problem, a missing basis, a day that is none, is before the problem was
    raised or still to come; NotAllowed for another's.
    """
    with reading(work.ledger) as connection:
        rows = tables.rows_as_of(connection, "problems", work.today)
    row = next((one for one in rows if one["problem_code"] == code), None)
    if row is None:
        raise NotClosed(f"没有编号为{code}的问题。")
    if row["state"] == CLOSED:
        raise NotClosed(f"问题“{code}”已于{row['closed_on']}销号。")
    if not basis.strip():
        raise NotClosed("请写明销号依据。")
    day = read_day(closed_on).value
    if day is not None and date.fromisoformat(day) > work.today:
        raise NotClosed(f"销号日期{day}还没有到，应为今天（{work.today.isoformat()}）或更早。")
    closing = {"state": CLOSED, "closed_on": closed_on.strip(), "closing_basis": basis.strip()}
    headers = {column.field: column.header for column in registers.columns_of("problems")}
    typed = {headers[field]: text for field, text in (row | closing).items()}
    done = registers.enter(work, "problems", [typed], actor)
    if not done.accepted:
        raise NotClosed(_said(done.findings))


def _said(findings: Sequence[Finding]) -> str:
    return " ".join(f"{finding.message}{finding.remedy}" for finding in findings)


# --------------------------------------------------------------------------------------------- row by row


def _task(row: Row, today: date) -> Task:
    due_on = _day(row["due_on"])
    progress = Decimal(row["progress"]) if row["progress"] else None
    overdue = _overdue(due_on, today, row["state"] in (DONE, HELD))
    texts = (row["task_code"], row["measure"], row["task"], row["node"])
    return Task(
        *texts, due_on, row["responsible"], row["supporting"], progress, row["state"], row["note"], overdue
    )


def _problem(row: Row, today: date) -> Problem:
    due_on = _day(row["due_on"])
    texts = (row["problem_code"], row["measure"], row["task_code"], row["county_code"], row["problem"])
    return Problem(
        *texts, row["responsible"], date.fromisoformat(row["raised_on"]), due_on, row["state"],
        _day(row["closed_on"]), row["closing_basis"], _overdue(due_on, today, row["state"] == CLOSED),
    )  # fmt: skip


def _overdue(due_on: date | None, today: date, is_settled: bool) -> int:
    """The due day itself is still in time."""
    return 0 if due_on is None or is_settled else max((today - due_on).days, 0)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _open_first(one: Problem) -> tuple[bool, int, date, str]:
    """Open ones before closed ones, the longest overdue first, then by due day."""
    return one.state == CLOSED, -one.overdue, one.due_on or date.max, one.code


def _blocks(
    declared: Declared, tasks: Iterable[Task], measure: str, *, everything: bool
) -> tuple[MeasureTasks, ...]:
    """In the plan's order; a measure without a task is left out where the tasks were narrowed otherwise."""
    under: dict[str, list[Task]] = {}
    for task in tasks:
        under.setdefault(task.measure, []).append(task)
    return tuple(
        MeasureTasks(one, tuple(under.get(one.clause, ())))
        for one in declared.measures
        if one.clause in under or (everything and measure in ("", one.clause))
    )


def _closable(work: Workplace, actor: Actor, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    with reading(work.ledger) as connection:
        rows = tables.rows_as_of(connection, "problems", work.today)
        own = {row["problem_code"] for row in tables.own(connection, "problems", rows, actor, work.today)}
    return tuple(one for one in sorted(problems, key=_open_first) if one.state == OPEN and one.code in own)


def _commitments(work: Workplace, scope: Scope, county: str) -> tuple[Commitment, ...] | None:
    if not registers.may_read("commitments", scope.role):
        return None
    names = filing.names(work)
    with reading(work.ledger) as connection:
        codes = registry.unit_codes(connection, work.today)
        places = registry.in_force(connection, work.today.replace(day=1), work.today)
    made = []
    for row in registers.rows_of(work, "commitments", scope):
        unit, due_on = codes.get(row["unit_code"]) or row["unit_code"], date.fromisoformat(row["due_on"])
        if county and (unit not in places or places[unit]["county_code"] != county):
            continue
        promised_on, days_left = date.fromisoformat(row["promised_on"]), (due_on - work.today).days
        tonnes = Decimal(row["tonnes"])
        name = names.get(unit, unit)
        made.append(
            Commitment(unit, name, row["measure"], tonnes, promised_on, due_on, row["basis"], days_left)
        )
    return tuple(sorted(made, key=lambda one: (one.due_on, one.name)))


def _bills(rows: Sequence[Row]) -> tuple[BillMonth, ...]:
    """The newest months, the newest first."""
    by_month: dict[str, list[Row]] = {}
    for row in rows:
        by_month.setdefault(row["month"], []).append(row)
    return tuple(
        BillMonth(
            month_of(month),
            len(told),
            sum(int(row["waybills"]) for row in told),
            sum(int(row["boxes"]) for row in told),
        )
        for month, told in sorted(by_month.items(), reverse=True)[:BILL_MONTHS]
    )


# ------------------------------------------------------------------------------------------------ in words


def _sentence(declared: Declared, tasks: Sequence[Task], problems: Sequence[Problem]) -> str:
    done = sum(one.state == DONE for one in tasks)
    late = sum(one.overdue > 0 for one in tasks)
    still = sum(one.state == OPEN for one in problems)
    too_late = sum(one.overdue > 0 for one in problems)
    said = f"共有任务{len(tasks)}项，已完成{done}项，逾期{late}项" if tasks else "没有登记的任务"
    listed = (
        f"问题清单{len(problems)}条，未销号{still}条，逾期{too_late}条" if problems else "问题清单没有问题"
    )
    return f"{_numeral(len(declared.measures))}项措施下{said}；{listed}。"


def _numeral(count: int) -> str:
    """A count below a hundred in Chinese figures: 十五."""
    tens, ones = divmod(count, 10)
    return (
        ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")
        if tens
        else _DIGITS[ones]
    )


def _projects_sentence(bulk: Bulk, projects: Sequence[Row]) -> str:
    """The share never without its two counts; nothing to divide by is said in words."""
    if not projects:
        return "没有登记的新改扩建项目。"
    if not bulk.projects:
        return f"新改扩建项目{len(projects)}个，均不涉及大宗物料运输，不计算非公路项目比例。"
    share = percent(Decimal(bulk.without_road) / bulk.projects)
    return (
        f"新改扩建项目{len(projects)}个，其中涉大宗物料运输{bulk.projects}个；不采用公路的{bulk.without_road}个，"
        f"占涉大宗项目的{share}%（{bulk.without_road}÷{bulk.projects}）。"
    )
