"""What a receipt rests on: a return as it was handed in, and which returns a file was handed in as."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.ledger.evidence import explanations
from etl.ledger.schema import check_result, stored_file, submission, submission_event
from etl.ledger.submissions import ACCEPTED, State

# Being written again: what was handed in may not be what the version holds now.
_NOT_IN = (State.暂存, State.更正)


class NotHandedIn(Exception):
    """There is no such return, or it is not with the office; the message (Chinese) says which."""


@dataclass(frozen=True)
class HandedIn:
    """A version of a unit-month as the office holds it. Tonnes exact.

    `received_at`: day and time of receipt. Empty: None where staff entered it in bulk, for only the day
    is known. `reason`: why it was corrected, '' for a first version. `sent_back`: why it was sent back,
    '' unless it was. `replaced_by`: version and number of a later one that was accepted.
    """

    submission_id: int
    unit_code: str
    month: date
    version: int
    state: State
    reason: str
    sent_back: str
    received_on: date
    received_at: datetime | None
    first_received_on: date
    rows: int
    tonnes: Decimal
    is_zero: bool
    rows_file: str
    file_name: str
    sha256: str
    explanations: dict[str, str]
    replaced_by: tuple[int, int] | None


@dataclass(frozen=True)
class Naming:
    """A receipt that names a file. `is_current`: the return still is this file, not a later one.

    `received_on`: the last time that this file was handed in as this return.
    """

    submission_id: int
    unit_code: str
    month: date
    version: int
    state: State
    received_on: date
    is_current: bool


def handed_in(conn: sa.Connection, submission_id: int) -> HandedIn:
    """A return as it was handed in last. Errors: NotHandedIn."""
    one = submission.c
    query = (
        sa.select(submission, stored_file.c.sha256, stored_file.c.file_name)
        .join(stored_file, stored_file.c.file_id == one.file_id)
        .where(one.submission_id == submission_id)
    )
    row = conn.execute(query).mappings().first()
    if row is None:
        raise NotHandedIn(f"没有编号为{submission_id}的月报。请核对回执编号。")
    state = State(row["state"])
    if state in _NOT_IN:
        raise NotHandedIn(f"编号{submission_id}的月报尚未上报（{state}），没有回执。请先上报。")
    event = submission_event.c
    steps = conn.execute(
        sa.select(event.to_state, event.reason, event.effective_on, event.recorded_at)
        .where(event.submission_id == submission_id)
        .order_by(event.step_id.desc())
    ).all()
    receipt = next(step for step in steps if step.to_state == State.已上报)
    in_bulk = row["batch_id"] is not None
    return HandedIn(
        submission_id=submission_id,
        unit_code=row["unit_code"],
        month=row["month"],
        version=row["version"],
        state=state,
        reason=row["reason"],
        sent_back=steps[0].reason if state is State.退回 else "",
        received_on=receipt.effective_on,
        received_at=None if in_bulk else datetime.combine(receipt.effective_on, receipt.recorded_at.timetz()),
        first_received_on=row["first_received_on"],
        rows=row["row_count"],
        tonnes=row["tonnes"],
        is_zero=row["is_zero"],
        rows_file=row["rows_file"],
        file_name=_name_as_sent(conn, row["file_id"], receipt.recorded_at) or row["file_name"],
        sha256=row["sha256"],
        explanations=explanations(conn, submission_id),
        replaced_by=_replaced_by(conn, row),
    )


def naming(conn: sa.Connection, sha256: str, units: Collection[str] | None) -> list[Naming]:
    """The returns that a file of these bytes was handed in as, newest number first.

    `units`: only of these; None = of all. Empty: it was never handed in, or refused each time.
    """
    one, event = submission.c, submission_event.c
    now = stored_file.alias("now")
    query = (
        sa.select(
            one.submission_id, one.unit_code, one.month, one.version, one.state,
            sa.func.max(event.effective_on), now.c.sha256 == sha256,
        )
        .select_from(submission_event)
        .join(stored_file, stored_file.c.file_id == event.file_id)
        .join(submission, one.submission_id == event.submission_id)
        .join(now, now.c.file_id == one.file_id)
        .where(stored_file.c.sha256 == sha256, event.to_state == State.已上报.value)
        .group_by(one.submission_id, one.unit_code, one.month, one.version, one.state, now.c.sha256)
        .order_by(one.submission_id.desc())
    )  # fmt: skip
    found = [
        Naming(number, unit, month, version, State(state), received_on, bool(is_current))
        for number, unit, month, version, state, received_on, is_current in conn.execute(query)
    ]
    return [one for one in found if units is None or one.unit_code in units]


def _name_as_sent(conn: sa.Connection, file_id: int, sent_at: datetime) -> str | None:
    """What the file was called when it was handed in: the same bytes may have come under other names."""
    query = (
        sa.select(check_result.c.file_name)
        .where(check_result.c.file_id == file_id, check_result.c.recorded_at <= sent_at)
        .order_by(check_result.c.check_id.desc())
    )
    return conn.scalar(query.limit(1))


def _replaced_by(conn: sa.Connection, row: sa.RowMapping) -> tuple[int, int] | None:
    one = submission.c
    query = (
        sa.select(one.version, one.submission_id)
        .where(one.unit_code == row["unit_code"], one.month == row["month"], one.version > row["version"])
        .where(one.state.in_([state.value for state in ACCEPTED]))
        .order_by(one.version.desc())
    )
    found = conn.execute(query).first()
    return (found.version, found.submission_id) if found else None
