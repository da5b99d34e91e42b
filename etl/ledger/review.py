"""What waits for review, the way from a return that was handed in to 通过 or 退回, and earlier explanations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from etl.ledger.evidence import explanations
from etl.ledger.schema import explanation, stored_file, submission
from etl.ledger.submissions import State, TransitionRefused, advance

WAITING = (State.已上报, State.县级初审, State.市级审核)


@dataclass(frozen=True)
class Waiting:
    """A return that was handed in and not decided. `reason` is that of a correction; tonnes exact."""

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


def waiting(conn: sa.Connection) -> list[Waiting]:
    """All returns that wait for review, oldest first."""
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
    return [
        Waiting(number, unit, month, version, State(state), *rest, explanations(conn, number))
        for number, unit, month, version, state, *rest in conn.execute(query)
    ]


def decide(
    conn: sa.Connection,
    submission_id: int,
    to: State,
    *,
    county_review: bool,
    actor: str,
    reason: str,
    on: date,
) -> tuple[str, date]:
    """Take a return through its reviews to 通过 or 退回; returns its unit and month.

    `county_review`: 县级初审 stands between. Errors: TransitionRefused for a return that does not wait,
    an unknown number, or a 退回 without its reason.
    """
    here = sa.select(submission.c.state, submission.c.unit_code, submission.c.month).where(
        submission.c.submission_id == submission_id
    )
    row = conn.execute(here).first()
    if row is None:
        raise TransitionRefused(f"没有编号为{submission_id}的报表。请用 railshift review list 查看编号。")
    for step in _between(State(row.state), to, county_review):
        advance(conn, submission_id, step, actor, on=on)
    advance(conn, submission_id, to, actor, reason, on)
    return row.unit_code, row.month


def _between(state: State, to: State, county_review: bool) -> list[State]:
    """The reviews that are still to come before the decision."""
    if state is State.县级初审:
        return [State.市级审核] if to is State.通过 else []
    if state is not State.已上报:
        return []
    if not county_review:
        return [State.市级审核]
    return [State.县级初审, State.市级审核] if to is State.通过 else [State.县级初审]


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
