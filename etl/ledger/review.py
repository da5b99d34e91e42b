"""What waits for review, who may take a return on to 通过, 退回 or 锁定, and earlier explanations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from etl.ledger.evidence import explanations
from etl.ledger.registry import in_force
from etl.ledger.schema import explanation, stored_file, submission, submission_event
from etl.ledger.submissions import State, TransitionRefused, advance
from etl.roles import Actor, NotAllowed, Role

WAITING = (State.已上报, State.县级初审, State.市级审核)
# Where the county reviews first, a return in these waits for the county.
FIRST = (State.已上报, State.县级初审)


@dataclass(frozen=True)
class Waiting:
    """A return that was handed in and not decided. `reason` is that of a correction; tonnes exact.

    `county_code` is the registry's for that month ('' = not registered then); `waits_for`: whose review is next.
    """

    submission_id: int
    unit_code: str
    month: date
    version: int
    state: State
    received_on: date
    rows: int
    tonnes: Decimal
    is_zero: bool
    reason: str
    file_name: str
    file_sha256: str
    explanations: dict[str, str]
    county_code: str
    waits_for: Role


def waiting(
    conn: sa.Connection, day: date, county_review: bool = False, counties: Collection[str] | None = None
) -> list[Waiting]:
    """All returns that wait for review, oldest first; `counties`: only those of units there that month."""
    one = submission.c
    query = (
        sa.select(
            one.submission_id, one.unit_code, one.month, one.version, one.state, one.received_on, one.row_count,
            one.tonnes, one.is_zero, one.reason, stored_file.c.file_name, stored_file.c.sha256,
        )
        .join(stored_file, stored_file.c.file_id == one.file_id)
        .where(one.state.in_([state.value for state in WAITING]))
        .order_by(one.received_on, one.submission_id)
    )  # fmt: skip
    registered: dict[date, dict[str, sa.RowMapping]] = {}
    found = []
    for number, unit, month, version, state, *rest in conn.execute(query):
        if month not in registered:
            registered[month] = in_force(conn, month, day)
        county = registered[month][unit]["county_code"] if unit in registered[month] else ""
        if counties is None or county in counties:
            by = Role.COUNTY if county_review and State(state) in FIRST else Role.ANALYST
            said = explanations(conn, number)
            found.append(Waiting(number, unit, month, version, State(state), *rest, said, county, by))
    return found


def standing_since(conn: sa.Connection, states: Collection[State]) -> dict[int, date]:
    """Submissions that stand in one of these states → the day of the step that brought them there."""
    step, one = submission_event.c, submission.c
    last = sa.select(sa.func.max(step.step_id)).group_by(step.submission_id)
    query = (
        sa.select(step.submission_id, step.effective_on)
        .join(submission, one.submission_id == step.submission_id)
        .where(step.step_id.in_(last), one.state.in_([state.value for state in states]))
    )
    return {row.submission_id: row.effective_on for row in conn.execute(query)}


def take_up(
    conn: sa.Connection, submission_id: int, *, county_review: bool, actor: Actor, on: date
) -> tuple[str, date, State]:
    """Begin a review, so that the sender no longer changes the return; gives unit, month and new state.

    Errors: as `decide`; TransitionRefused also where the review has begun.
    """
    row = _reviewable(conn, submission_id, county_review, actor, on)
    to = State.县级初审 if actor.role is Role.COUNTY else State.市级审核
    advance(conn, submission_id, to, actor.name, on=on)
    return row.unit_code, row.month, to


def decide(
    conn: sa.Connection,
    submission_id: int,
    to: State,
    *,
    county_review: bool,
    actor: Actor,
    reason: str,
    on: date,
) -> tuple[str, date, State]:
    """Pass a return (`to` 通过) or send it back (退回), as far as the actor's review goes.

    A county's pass hands the return on to the city (市级审核), the city's makes it 通过; gives unit, month
    and the state reached. `county_review`: 县级初审 stands between, and the city waits for it.
    Errors: TransitionRefused for a return that does not wait, an unknown number, or a 退回 without its
    reason; NotAllowed for whoever's review it is not.
    """
    row = _reviewable(conn, submission_id, county_review, actor, on)
    is_county = actor.role is Role.COUNTY
    goal = State.市级审核 if is_county and to is State.通过 else to
    for step in _between(State(row.state), goal, is_county):
        advance(conn, submission_id, step, actor.name, on=on)
    advance(conn, submission_id, goal, actor.name, reason, on)
    return row.unit_code, row.month, goal


def lock(conn: sa.Connection, month: date, actor: Actor, on: date) -> list[tuple[int, str]]:
    """Lock what is accepted of a month: of each unit the newest accepted version. Gives number and unit.

    Empty: nothing is accepted, or all of it is locked. Errors: NotAllowed.
    """
    if actor.role is not Role.ANALYST:
        raise NotAllowed("锁定由市级审核人办理。")
    one = submission.c
    newest = (
        sa.select(one.unit_code, sa.func.max(one.version).label("version"))
        .where(one.month == month, one.accepted_on.is_not(None))
        .group_by(one.unit_code)
        .subquery()
    )
    query = (
        sa.select(one.submission_id, one.unit_code)
        .join(newest, (newest.c.unit_code == one.unit_code) & (newest.c.version == one.version))
        .where(one.month == month, one.state == State.通过.value)
        .order_by(one.unit_code)
    )
    locked = [(row.submission_id, row.unit_code) for row in conn.execute(query)]
    for number, _ in locked:
        advance(conn, number, State.锁定, actor.name, on=on)
    return locked


def _reviewable(
    conn: sa.Connection, submission_id: int, county_review: bool, actor: Actor, on: date
) -> sa.Row:
    """The return, if the actor's review may touch it now. Errors: as `decide`."""
    here = sa.select(submission.c.state, submission.c.unit_code, submission.c.month).where(
        submission.c.submission_id == submission_id
    )
    row = conn.execute(here).first()
    if row is None:
        raise TransitionRefused(f"没有编号为{submission_id}的报表。请用 railshift review list 查看编号。")
    if actor.role is Role.COUNTY:
        if not county_review:
            raise NotAllowed("plan.toml 未启用县级初审，由市级审核人办理。")
        unit = in_force(conn, row.month, on).get(row.unit_code)
        if unit is None or unit["county_code"] not in (actor.counties or ()):
            raise NotAllowed(f"编号{submission_id}的报表不属于本县区，由其所在县区初审。")
        if State(row.state) is State.市级审核:
            raise NotAllowed(f"编号{submission_id}的报表已转市级审核，由市级审核人办理。")
    elif actor.role is not Role.ANALYST:
        raise NotAllowed("审核由县级初审人和市级审核人办理。")
    elif county_review and State(row.state) in FIRST:
        raise NotAllowed(f"编号{submission_id}的报表尚未经县级初审，请先由县级审核人办理。")
    return row


def _between(state: State, goal: State, is_county: bool) -> list[State]:
    """The reviews that a decision passes through: each is a step of its own in the history."""
    if state is State.已上报:
        return [State.县级初审 if is_county else State.市级审核]
    # The county had begun, then its review was switched off.
    if state is State.县级初审 and goal is State.通过:
        return [State.市级审核]
    return []


def last_explanations(
    conn: sa.Connection, units: Collection[str], codes: Collection[str], month: date
) -> dict[str, str]:
    """What these units said last of each code, in a return for `month` or before: code → text.

    Empty: a code that was never explained is not there.
    """
    query = (
        sa.select(explanation.c.code, explanation.c.text)
        .join(submission, submission.c.submission_id == explanation.c.submission_id)
        .where(submission.c.unit_code.in_(sorted(units)), explanation.c.code.in_(sorted(codes)))
        .where(submission.c.month <= month)
        .order_by(submission.c.month, explanation.c.explanation_id)
    )
    return {row.code: row.text for row in conn.execute(query)}
