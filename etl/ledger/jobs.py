"""What the program did by itself and when: builds, inbox runs, reminders; and what is still to be built.

A run that was killed leaves its entry open; whoever holds that job's lock next closes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from etl.ledger.schema import add_row, build_request, job_run
from etl.periods import now

BUILD, INBOX, REMINDER, BACKUP, DRILL = "生成", "收件", "提醒", "备份", "恢复演练"
INTERRUPTED = "进程被中断，没有完成；已登记的数据不受影响，请重新运行。"


class Outcome(StrEnum):
    RUNNING = "进行中"
    DONE = "完成"
    PARTLY = "部分完成"
    FAILED = "失败"


@dataclass(frozen=True)
class Job:
    """One run. `message` is for staff ('' = nothing to say); `detail` is what the kind of job counts.

    Empty: ended_at while it runs, and of a killed run until the next one closes it.
    """

    job_id: int
    kind: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome
    message: str
    detail: Mapping[str, Any]


def begin(conn: sa.Connection, kind: str, actor: str) -> int:
    """Write down that a run begins; the caller holds the lock of its kind. Returns the run's number."""
    orphans = (job_run.c.kind == kind) & job_run.c.ended_at.is_(None)
    closed = {"ended_at": now(), "outcome": Outcome.FAILED, "message": INTERRUPTED}
    conn.execute(sa.update(job_run).where(orphans).values(closed))
    row = {"kind": kind, "actor": actor, "recorded_at": now(), "outcome": Outcome.RUNNING, "message": ""}
    return add_row(conn, job_run, row | {"detail": {}})


def end(
    conn: sa.Connection,
    job_id: int,
    outcome: Outcome,
    message: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write down how a run ended."""
    row = {"ended_at": now(), "outcome": outcome, "message": message, "detail": dict(detail or {})}
    conn.execute(sa.update(job_run).where(job_run.c.job_id == job_id).values(row))


def record(
    conn: sa.Connection,
    kind: str,
    actor: str,
    started_at: datetime,
    outcome: Outcome,
    message: str = "",
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Write down a run that has ended and that nobody needed to see running; returns its number."""
    row = {"kind": kind, "actor": actor, "recorded_at": started_at, "ended_at": now(), "outcome": outcome}
    return add_row(conn, job_run, row | {"message": message, "detail": dict(detail or {})})


def newest(conn: sa.Connection, limit: int, kind: str | None = None) -> list[Job]:
    """The newest runs, newest first. Empty: none yet."""
    query = sa.select(job_run).order_by(job_run.c.job_id.desc()).limit(limit)
    if kind is not None:
        query = query.where(job_run.c.kind == kind)
    return [_job(row) for row in conn.execute(query)]


def request_build(conn: sa.Connection, reason: str, actor: str) -> int:
    """Ask for a build, in the transaction that makes one necessary; returns the request's number."""
    row = {"reason": reason, "actor": actor, "recorded_at": now(), "job_id": None}
    return add_row(conn, build_request, row)


def last_request(conn: sa.Connection) -> int:
    """The newest request's number. Empty: 0."""
    return conn.scalar(sa.select(sa.func.max(build_request.c.request_id))) or 0


def open_requests(conn: sa.Connection) -> int:
    """How many requests no build has answered."""
    waits = build_request.c.job_id.is_(None)
    return conn.scalar(sa.select(sa.func.count()).select_from(build_request).where(waits)) or 0


def askers(conn: sa.Connection) -> list[str]:
    """Who has asked for what no build has answered, in the order of asking. Empty: nobody."""
    query = sa.select(build_request.c.actor).where(build_request.c.job_id.is_(None))
    return list(dict.fromkeys(conn.scalars(query.order_by(build_request.c.request_id))))


def answer_requests(conn: sa.Connection, job_id: int, last: int) -> None:
    """The requests up to `last` are answered by this build: published, or failed and said so."""
    waits = build_request.c.job_id.is_(None) & (build_request.c.request_id <= last)
    conn.execute(sa.update(build_request).where(waits).values(job_id=job_id))


def answer_to(conn: sa.Connection, request_id: int) -> Job | None:
    """The build that answered a request. Empty: None while none has."""
    query = (
        sa.select(job_run)
        .join(build_request, build_request.c.job_id == job_run.c.job_id)
        .where(build_request.c.request_id == request_id)
    )
    row = conn.execute(query).first()
    return None if row is None else _job(row)


def _job(row: sa.Row) -> Job:
    return Job(
        row.job_id, row.kind, row.actor, row.recorded_at, row.ended_at, Outcome(row.outcome), row.message, row.detail
    )  # fmt: skip
