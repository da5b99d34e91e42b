"""The life of a submission: the return of one unit for one month, in versions.

Each step is kept in `submission_event`; a version that was accepted stays as it was for good, and a
correction is a new version beside it. What counted on a day can therefore be told on any later day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from etl.ledger import audit
from etl.ledger.evidence import StoredFile, explain, explanations, keep_file, record_check
from etl.ledger.schema import (
    Moment,
    acceptance_batch,
    add_row,
    arrow_table,
    stored_file,
    submission,
    submission_event,
)
from etl.periods import now, today

if TYPE_CHECKING:
    from etl.intake.check import UnitMonth


__all__ = [
    "LIFE", "BatchOutcome", "HistoryStep", "State", "Step", "StoredFile", "TransitionRefused",
    "Version", "accept_batch", "accepted_as_of", "advance", "explain", "explanations", "history", "keep_file",
    "record_check", "save_draft", "submissions_as_of", "submit", "versions",
]  # fmt: skip


class State(StrEnum):
    暂存 = "暂存"
    已上报 = "已上报"
    县级初审 = "县级初审"
    市级审核 = "市级审核"
    退回 = "退回"
    通过 = "通过"
    锁定 = "锁定"
    更正 = "更正"


@dataclass(frozen=True)
class Step:
    """From one state to the next. Who may take it: `review` for reviewers, the check's own units for senders."""

    before: State | None
    after: State
    needs_reason: bool = False
    opens_version: bool = False


LIFE = (
    Step(None, State.暂存),
    Step(State.暂存, State.已上报),
    Step(State.已上报, State.暂存),  # withdrawn by the sender, until somebody reviews it
    Step(State.已上报, State.县级初审),  # where plan.toml has the county review on
    Step(State.已上报, State.市级审核),
    Step(State.县级初审, State.市级审核),
    Step(State.县级初审, State.退回, needs_reason=True),
    Step(State.市级审核, State.通过),
    Step(State.市级审核, State.退回, needs_reason=True),
    Step(State.退回, State.暂存),
    Step(State.退回, State.已上报),
    Step(State.通过, State.锁定),
    # The accepted version stays; the new one lives on by itself and counts once it is 通过.
    Step(State.通过, State.更正, needs_reason=True, opens_version=True),
    Step(State.锁定, State.更正, needs_reason=True, opens_version=True),
    Step(State.更正, State.已上报),
)
ACCEPTED = (State.通过, State.锁定)
EDITABLE = (State.暂存, State.更正, State.退回, State.已上报)
BULK_REASON = "批量导入"
# Below every database's limit of values in one statement.
CODES_AT_ONCE = 500
# Staff accept in bulk on behalf of both sides: nothing is skipped, every state is in the history.
BULK_PATH = (State.已上报, State.市级审核, State.通过)

ACCEPTED_ROWS = pa.schema([
    ("submission_id", pa.int64()), ("unit_code", pa.string()), ("month", pa.date32()),
    ("version", pa.int32()), ("received_on", pa.date32()), ("accepted_on", pa.date32()),
    ("is_zero", pa.bool_()), ("rows_file", pa.string()), ("file_sha256", pa.string()),
    ("file_name", pa.string()), ("first_received_on", pa.date32()), ("row_count", pa.int64()),
])  # fmt: skip
STATES = pa.schema([
    ("unit_code", pa.string()), ("month", pa.date32()), ("state", pa.string()),
    ("received_on", pa.date32()), ("version", pa.int32()), ("reason", pa.string()),
    ("submission_id", pa.int64()),
])  # fmt: skip


class TransitionRefused(Exception):
    """A step that the life of a submission does not have; the message (Chinese) says what can be done."""


@dataclass(frozen=True)
class BatchOutcome:
    """Unit-months by what became of them: first versions, new versions, identical to what counts already."""

    accepted: int
    amended: int
    unchanged: int


@dataclass(frozen=True)
class HistoryStep:
    """One step of a submission. It counts from `effective_on`, and was entered at `recorded_at`."""

    before: State | None
    after: State
    actor: str
    reason: str
    effective_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class Version:
    """A version of a unit-month. `reason`: of a correction. Empty: the days before it was received, accepted."""

    submission_id: int
    version: int
    state: State
    reason: str
    rows: int
    tonnes: Decimal
    is_zero: bool
    received_on: date | None
    accepted_on: date | None
    file_name: str
    file_sha256: str


def save_draft(
    conn: sa.Connection,
    file_id: int,
    unit_month: UnitMonth,
    actor: str,
    reason: str = "",
    on: date | None = None,
) -> int | None:
    """Put a checked unit-month into its open version, or open one; returns the submission's number.

    A month that is accepted already gets a new version in 更正, which needs a reason. `on` as in `advance`.
    Empty: None where the content is the accepted one: nothing is to be done.
    Errors: TransitionRefused while it is being reviewed, or without the reason that a correction needs.
    """
    newest, accepted = _versions(conn, [unit_month]).get(_key(unit_month), (None, None))
    if accepted and _is_same(accepted, unit_month):
        return None
    content = _content(file_id, unit_month)
    if newest is None:
        row = content | {"version": 1, "state": State.暂存, "reason": "", "recorded_at": now()}
        submission_id = add_row(conn, submission, row)
        _write_step(conn, submission_id, file_id, None, State.暂存, actor, reason, on or today())
        audit.append(conn, actor, "报表状态", f"submission:{submission_id}", {"to": State.暂存})
        return submission_id
    state, submission_id = State(newest["state"]), newest["submission_id"]
    if state in ACCEPTED:
        submission_id = advance(conn, submission_id, State.更正, actor, reason, on)
    elif state not in EDITABLE:
        raise TransitionRefused(f"该月报表正在{state}，不能替换。请先联系审核人退回，再重新上报。")
    elif state is not State.暂存 and state is not State.更正:
        advance(conn, submission_id, State.暂存, actor, reason, on)
    conn.execute(sa.update(submission).where(submission.c.submission_id == submission_id).values(content))
    return submission_id


def submit(
    conn: sa.Connection, file_id: int, unit_month: UnitMonth, received_on: date, actor: str, reason: str = ""
) -> int | None:
    """Save the unit-month and hand it in. Empty and errors as `save_draft`."""
    submission_id = save_draft(conn, file_id, unit_month, actor, reason, received_on)
    if submission_id is not None:
        advance(conn, submission_id, State.已上报, actor, reason, received_on)
    return submission_id


def advance(
    conn: sa.Connection, submission_id: int, to: State, actor: str, reason: str = "", on: date | None = None
) -> int:
    """Take one step; returns the number of the submission that is in the new state.

    That is another one for 更正: it opens the next version, with the old content until a file comes.
    `on` is the day that the step counts from, today unless said.
    Errors: TransitionRefused for a step that LIFE does not have, or without the reason that it needs;
    KeyError for an unknown submission.
    """
    here = submission.c.submission_id == submission_id
    row = conn.execute(sa.select(submission).where(here)).mappings().first()
    if row is None:
        raise KeyError(submission_id)
    before, day = State(row["state"]), on or today()
    step = next((s for s in LIFE if s.before == before and s.after == to), None)
    if step is None:
        after = "、".join(s.after for s in LIFE if s.before == before)
        raise TransitionRefused(f"状态为“{before}”的报表不能改为“{to}”。可以改为：{after}。")
    if step.needs_reason and not reason.strip():
        raise TransitionRefused(f"改为“{to}”须写明原因。请填写原因后再提交。")
    if step.opens_version:
        submission_id = _open_version(conn, row, to, reason)
    else:
        changed: dict[str, Any] = {"state": to}
        if to is State.已上报:
            changed |= {"received_on": day, "first_received_on": row["first_received_on"] or day}
        if to is State.通过:
            changed["accepted_on"] = day
        conn.execute(sa.update(submission).where(here).values(changed))
    _write_step(conn, submission_id, row["file_id"], before, to, actor, reason, day)
    detail: dict[str, object] = {"from": before, "to": to, "reason": reason}
    if to is State.通过:
        detail["content"] = content_of(conn, submission.c.submission_id == submission_id)
    audit.append(conn, actor, "报表状态", f"submission:{submission_id}", detail)
    return submission_id


def versions(conn: sa.Connection, unit_code: str, month: date) -> list[Version]:
    """All versions of a unit-month, oldest first; each keeps what it was. Empty: nothing was begun."""
    one = submission.c
    query = (
        sa.select(
            one.submission_id, one.version, one.state, one.reason, one.row_count, one.tonnes, one.is_zero,
            one.received_on, one.accepted_on, stored_file.c.file_name, stored_file.c.sha256,
        )
        .join(stored_file, stored_file.c.file_id == one.file_id)
        .where(one.unit_code == unit_code, one.month == month)
        .order_by(one.version)
    )  # fmt: skip
    return [
        Version(number, version, State(state), *rest) for number, version, state, *rest in conn.execute(query)
    ]


def history(conn: sa.Connection, submission_id: int) -> list[HistoryStep]:
    """The steps of one submission, in order."""
    steps = submission_event.c
    query = (
        sa.select(
            steps.from_state, steps.to_state, steps.actor, steps.reason, steps.effective_on, steps.recorded_at
        )
        .where(steps.submission_id == submission_id)
        .order_by(steps.step_id)
    )
    return [
        HistoryStep(State(before) if before else None, State(after), *rest)
        for before, after, *rest in conn.execute(query)
    ]


def _open_version(conn: sa.Connection, row: sa.RowMapping, state: State, reason: str) -> int:
    of_month = (submission.c.unit_code == row["unit_code"]) & (submission.c.month == row["month"])
    newest = conn.scalar(sa.select(sa.func.max(submission.c.version)).where(of_month))
    if newest != row["version"]:
        raise TransitionRefused(f"该月报表已有第{newest}版，第{row['version']}版不能再更正。请更正最新一版。")
    own = {"submission_id", "received_on", "accepted_on", "batch_id"}
    kept = {name: value for name, value in row.items() if name not in own}
    new = {"version": row["version"] + 1, "state": state, "reason": reason, "recorded_at": now()}
    return add_row(conn, submission, kept | new)


def _write_step(
    conn: sa.Connection,
    submission_id: int,
    file_id: int,
    before: State | None,
    after: State,
    actor: str,
    reason: str,
    day: date,
) -> None:
    row = {
        "submission_id": submission_id,
        "file_id": file_id,
        "from_state": before,
        "to_state": after,
        "actor": actor,
        "reason": reason,
        "effective_on": day,
        "recorded_at": now(),
    }
    conn.execute(sa.insert(submission_event), row)


# ---------------------------------------------------------------------------------------------- in bulk


def accept_batch(
    conn: sa.Connection,
    file_id: int,
    unit_months: Sequence[UnitMonth],
    received_on: date,
    reason: str,
    actor: str,
) -> BatchOutcome:
    """Check, submit and approve unit-months of a file on the day they were received, all or none.

    Content identical to the accepted version changes nothing; other content of an accepted month is a
    new version with the reason (批量导入 unless one is given). A version that is still open is taken
    over with the new content. Of a unit-month named twice the later one counts.
    """
    reason = reason.strip() or BULK_REASON
    wanted = {_key(unit_month): unit_month for unit_month in unit_months}
    known = _versions(conn, wanted.values())
    opened: list[dict[str, Any]] = []
    taken_over: list[tuple[sa.RowMapping, dict[str, Any]]] = []
    for key, unit_month in wanted.items():
        newest, accepted = known.get(key, (None, None))
        if accepted and _is_same(accepted, unit_month):
            continue
        first_received_on = newest["first_received_on"] if newest else None
        row = _content(file_id, unit_month) | {
            "state": State.通过,
            "received_on": received_on,
            "accepted_on": received_on,
            "first_received_on": first_received_on or received_on,
        }
        if newest and newest["state"] not in ACCEPTED:
            row["version"] = newest["version"]
            taken_over.append((newest, row))
        else:
            row["version"] = newest["version"] + 1 if newest else 1
            opened.append(row)
        row["reason"] = reason if row["version"] > 1 else ""
    versions = [row["version"] for row in opened] + [row["version"] for _, row in taken_over]
    first = versions.count(1)
    outcome = BatchOutcome(first, len(versions) - first, len(wanted) - len(versions))
    batch = {"file_id": file_id, "received_on": received_on, "reason": reason, "actor": actor}
    counts = asdict(outcome)
    recorded_at = now()
    batch_id = add_row(conn, acceptance_batch, batch | counts | {"recorded_at": recorded_at})
    stamp = {"batch_id": batch_id, "recorded_at": recorded_at}
    if opened:
        conn.execute(sa.insert(submission), [row | stamp for row in opened])
        _write_batch_steps(conn, batch_id, actor, received_on, recorded_at)
    for open_version, row in taken_over:
        _take_over(conn, open_version, row | stamp, actor)
    detail = counts | {"received_on": received_on.isoformat(), "reason": reason, "file_id": file_id}
    detail["content"] = content_of(conn, submission.c.batch_id == batch_id)
    audit.append(conn, actor, "批量受理", f"acceptance_batch:{batch_id}", detail)
    return outcome


def _write_batch_steps(
    conn: sa.Connection, batch_id: int, actor: str, day: date, recorded_at: datetime
) -> None:
    """The history of the versions that a batch opened, one statement a step however many they are."""
    new, old = submission, submission.alias("old")
    before = old.c.version == new.c.version - 1
    joined = new.outerjoin(old, (old.c.unit_code == new.c.unit_code) & (old.c.month == new.c.month) & before)
    opening = sa.case((new.c.version > 1, State.更正.value), else_=State.暂存.value)
    path: list[Any] = [old.c.state, opening, *(sa.literal(state.value) for state in BULK_PATH)]
    for from_state, to_state in pairwise(path):
        step = {
            "submission_id": new.c.submission_id,
            "file_id": new.c.file_id,
            "from_state": from_state,
            "to_state": to_state,
            "actor": sa.literal(actor),
            "reason": new.c.reason,
            "effective_on": sa.literal(day, sa.Date),
            "recorded_at": sa.literal(recorded_at, Moment),
        }
        steps = sa.select(*step.values()).select_from(joined).where(new.c.batch_id == batch_id)
        conn.execute(sa.insert(submission_event).from_select(list(step), steps))


def _take_over(conn: sa.Connection, open_version: sa.RowMapping, row: dict[str, Any], actor: str) -> None:
    """Accept an open version with new content, from the state it was found in."""
    number, state = open_version["submission_id"], State(open_version["state"])
    conn.execute(sa.update(submission).where(submission.c.submission_id == number).values(row))
    starts = (place for place, after in enumerate(BULK_PATH) if Step(state, after) in LIFE)
    for before, after in pairwise([state, *BULK_PATH[next(starts) :]]):
        _write_step(conn, number, row["file_id"], before, after, actor, row["reason"], row["received_on"])


def content_of(conn: sa.Connection, which: sa.ColumnElement[bool]) -> str:
    """A hash of what was accepted, for the audit log, which holds no figure: from then on none of it may change."""
    one = submission.c
    query = (
        sa.select(
            one.unit_code, one.month, one.version, one.row_count, one.tonnes, one.is_zero, one.content_hash,
            one.rows_file, one.received_on, one.accepted_on, stored_file.c.sha256,
        )
        .join(stored_file, stored_file.c.file_id == one.file_id)
        .where(which)
        .order_by(one.submission_id)
    )  # fmt: skip
    # The number as it was written, whatever its database makes of a column.
    accepted = [[str(value) for value in row] for row in conn.execute(query)]
    return hashlib.sha256(json.dumps(accepted, ensure_ascii=False).encode()).hexdigest()


# ------------------------------------------------------------------------------------------ looking back


def accepted_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """What counted on `day`: of each unit-month the newest version accepted by then, that day in.

    A correction accepted later does not hide the version before it. `rows_file` is relative to HOME;
    `first_received_on` is the receipt of the first version, which decides whether it was on time.
    """
    one = submission.c
    place = sa.func.row_number().over(partition_by=[one.unit_code, one.month], order_by=one.version.desc())
    known = sa.select(submission, place.label("place")).where(one.accepted_on <= day).subquery()
    files = {"file_sha256": stored_file.c.sha256, "file_name": stored_file.c.file_name}
    query = (
        sa.select(*(files[name] if name in files else known.c[name] for name in ACCEPTED_ROWS.names))
        .join(stored_file, stored_file.c.file_id == known.c.file_id)
        .where(known.c.place == 1)
        .order_by(known.c.unit_code, known.c.month)
    )
    return arrow_table(conn.execute(query), ACCEPTED_ROWS)


def submissions_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """Where each unit-month stood at the end of `day`, by its newest version, accepted or not.

    `received_on` is the day it was last handed in. Empty: None while it never was; a unit-month that
    nobody has begun has no row.
    """
    step = submission_event.c
    handed_in = sa.case((step.to_state == State.已上报.value, step.effective_on))
    last = (
        sa.select(
            step.submission_id,
            sa.func.max(step.step_id).label("step_id"),
            sa.func.max(handed_in).label("received_on"),
        )
        .where(step.effective_on <= day)
        .group_by(step.submission_id)
        .subquery()
    )
    one = submission.c
    place = sa.func.row_number().over(partition_by=[one.unit_code, one.month], order_by=one.version.desc())
    known = (
        sa.select(
            one.unit_code,
            one.month,
            step.to_state.label("state"),
            last.c.received_on,
            one.version,
            sa.case((step.reason == "", one.reason), else_=step.reason).label("reason"),
            one.submission_id,
            place.label("place"),
        )
        .join_from(last, submission_event, step.step_id == last.c.step_id)
        .join(submission, one.submission_id == last.c.submission_id)
        .subquery()
    )
    query = (
        sa.select(*(known.c[name] for name in STATES.names))
        .where(known.c.place == 1)
        .order_by(known.c.unit_code, known.c.month)
    )
    return arrow_table(conn.execute(query), STATES)


# ----------------------------------------------------------------------------------------------- versions


def _key(unit_month: UnitMonth) -> tuple[str, date]:
    return unit_month.unit_code, unit_month.month


def _versions(
    conn: sa.Connection, unit_months: Collection[UnitMonth]
) -> dict[tuple[str, date], tuple[sa.RowMapping, sa.RowMapping | None]]:
    """Of each of these unit-months that has any: its newest version and the accepted one, if there is one."""
    found: dict[tuple[str, date], tuple[sa.RowMapping, sa.RowMapping | None]] = {}
    months = [unit_month.month for unit_month in unit_months]
    codes = sorted({unit_month.unit_code for unit_month in unit_months})
    for start in range(0, len(codes), CODES_AT_ONCE):
        query = (
            sa.select(submission)
            .where(submission.c.unit_code.in_(codes[start : start + CODES_AT_ONCE]))
            .where(submission.c.month.between(min(months), max(months)))
            .order_by(submission.c.version)
        )
        for row in conn.execute(query).mappings():
            key = row["unit_code"], row["month"]
            accepted = row if row["state"] in ACCEPTED else found.get(key, (None, None))[1]
            found[key] = row, accepted
    return found


def _content(file_id: int, unit_month: UnitMonth) -> dict[str, Any]:
    return {
        "unit_code": unit_month.unit_code,
        "month": unit_month.month,
        "file_id": file_id,
        "rows_file": unit_month.rows_file,
        "row_count": unit_month.rows,
        "tonnes": unit_month.tonnes,
        "is_zero": unit_month.is_zero,
        "content_hash": unit_month.content_hash,
    }


def _is_same(row: Mapping[str, Any], unit_month: UnitMonth) -> bool:
    return (row["content_hash"], row["is_zero"]) == (unit_month.content_hash, unit_month.is_zero)
