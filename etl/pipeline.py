"""The story: receive → check → decide → build → publish. One function for each chapter; preview() tries a return out.

A datum goes one way: bytes (kept) → checked rows → accepted unit-months → one published file. A chapter
that refuses changes nothing further on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from etl import periods
from etl.intake.check import CheckResult, UnitMonth, check_files
from etl.intake.finding import MUST, Finding
from etl.intake.history import AcceptedRows
from etl.intake.imports import read_contract
from etl.intake.mapping import Mapping
from etl.intake.rules import refusal
from etl.intake.worker import in_child
from etl.ledger import audit, jobs, official, registry, submissions, tables
from etl.ledger.jobs import Job, Outcome
from etl.ledger.schema import reading
from etl.reference import Declared
from etl.roles import CITY, Actor
from etl.warehouse import publish
from etl.warehouse.build import BuildRefused, Inputs, Progress, build
from etl.warehouse.preview import Candidate, Preview
from etl.warehouse.preview import preview as compare

STAFF = "市级管理人员（批量）"
Received = Callable[[UnitMonth], date]


@dataclass(frozen=True)
class Workplace:
    """Where everything lies: the run-time folder, its ledger and the declared data in force."""

    home: Path
    ledger: sa.Engine
    declared: Declared

    @property
    def today(self) -> date:
        """The day of the demonstration, else today."""
        return self.declared.demo_today or periods.today()


@dataclass(frozen=True)
class Loaded:
    """What became of one file: its check, and its unit-months by outcome."""

    check: CheckResult
    accepted: int
    amended: int
    unchanged: int


@dataclass(frozen=True)
class BuildState:
    """How publishing stands. `waiting`: requests that no build has answered.

    Empty: `running_since` where nothing runs, `last_failure` where the newest ended build succeeded (or there
    is none), `last_success` before the first.
    """

    running_since: datetime | None
    waiting: int
    last_failure: Job | None
    last_success: Job | None


@dataclass(frozen=True)
class Imported:
    """What became of a table: rows that were recorded, findings, and whether it was refused whole."""

    rows: int
    findings: tuple[Finding, ...]
    accepted: bool


def check(
    work: Workplace,
    paths: Sequence[Path],
    mapping: Mapping | None = None,
    progress: Progress | None = None,
    *,
    expected_month: date | None = None,
    own_units: frozenset[str] | None = None,
    rows_folder: Path | None = None,
) -> Iterator[CheckResult]:
    """Check files against the rules, the registry of today and what their units reported before.

    `expected_month` and `own_units`, where given, are the only month and units that may be reported.
    Nothing is kept, but the typed rows in `rows_folder` where one is given.
    """
    with reading(work.ledger) as connection:
        past = AcceptedRows(
            work.home,
            submissions.accepted_as_of(connection, work.today),
            registry.spurs_as_of(connection, work.today),
        )
    yield from _checked(
        work,
        paths,
        mapping,
        rows_folder,
        progress,
        expected_month=expected_month,
        own_units=own_units,
        past=past,
    )


def preview(
    work: Workplace, path: Path, unit_code: str, month: date, *, mapping: Mapping | None = None
) -> Preview | None:
    """What a return would change, if it were sent and accepted. Nothing is stored.

    Empty: None where the file has no such unit-month, or one with a 强制 finding.
    """
    with tempfile.TemporaryDirectory() as scratch:
        own = frozenset({unit_code})
        result = next(check(work, [path], mapping, own_units=own, rows_folder=Path(scratch) / "rows"))
        found = [one for one in result.unit_months if (one.unit_code, one.month) == (unit_code, month)]
        return next(previews(work, found, Path(scratch)), None)


def previews(work: Workplace, unit_months: Sequence[UnitMonth], folder: Path) -> Iterator[Preview]:
    """What each checked unit-month would change; `folder` is what their `rows_file` is relative to."""
    if not unit_months:
        return
    known = known_on(work, work.today)
    for one in unit_months:
        rows_path = None if one.is_zero else folder / one.rows_file
        candidate = Candidate(one.unit_code, one.month, one.rows, one.is_zero, rows_path)
        yield compare(known, work.declared, work.today, candidate)


def load(
    work: Workplace,
    paths: Sequence[Path],
    *,
    mapping: Mapping | None = None,
    received: Received | None = None,
    reason: str = submissions.BULK_REASON,
    progress: Progress | None = None,
) -> Iterator[Loaded]:
    """Keep, check and accept history in bulk: staff stand for both sides. Later files win over earlier.

    A unit-month with a 强制 finding is left out and listed in the check; `received` says when a
    unit-month was received (default: today). Nothing is published: that is `publish_build`.
    """
    received = received or (lambda _: work.today)
    for result in _checked(work, paths, mapping, work.home / "rows", progress):
        with work.ledger.begin() as connection:
            file = submissions.keep_file(
                connection, work.home, result.path, mapping.text if mapping else None
            )
            submissions.record_check(connection, file.file_id, result)
            outcome = _decide(connection, file.file_id, result, received, reason)
        yield Loaded(result, *outcome)


def import_table(
    work: Workplace,
    contract: str,
    path: Path,
    *,
    recorded_on: date | None = None,
    mapping: Mapping | None = None,
    actor: Actor = CITY,
    within: Callable[[sa.Connection], object] | None = None,
) -> Imported:
    """Read a table of the 台账 (`ledger.tables.TABLES`) and record all of it or nothing.

    It is parsed in a child process and kept either way. `within`, where given, writes in the same transaction
    as the rows. Errors: NotAllowed; Fault where our reader fails, as at a contract that does not exist.
    """
    with work.ledger.begin() as connection:
        submissions.keep_file(connection, work.home, path, mapping.text if mapping else None)
    answer = in_child(read_contract, path, contract, work.declared, mapping)
    if not isinstance(answer, tuple):
        return Imported(0, (refusal("S009").finding,), accepted=False)
    rows, findings = answer
    if any(finding.severity == MUST for finding in findings):
        return Imported(0, tuple(findings), accepted=False)
    with work.ledger.begin() as connection:
        recorded = tables.bring(connection, contract, rows, recorded_on or work.today, path.name, actor)
        if within:
            within(connection)
    return Imported(recorded, tuple(findings), accepted=True)


def publish_build(work: Workplace, as_of: date | None = None, progress: Progress | None = None) -> Path:
    """Build what was known on a day and publish it; without a day: today, and the pointer moves.

    It is written down as a job; without a day it answers the open requests, also by failing.
    Errors: BuildRunning, BuildRefused; duckdb.Error or OSError where the disk or the memory fails. In each
    case the old version stays as it is.
    """
    with publish.single_flight(work.home):
        return _publish(work, as_of, progress)


def publish_requested(work: Workplace, progress: Progress | None = None) -> Path | None:
    """As `publish_build`, if a request is still open when the lock is ours; None where a build has answered it."""
    with publish.single_flight(work.home):
        with reading(work.ledger) as connection:
            waiting = jobs.open_requests(connection)
        return _publish(work, None, progress) if waiting else None


def _publish(work: Workplace, as_of: date | None, progress: Progress | None) -> Path:
    day = as_of or work.today
    with work.ledger.begin() as connection:
        asked = "" if as_of else "、".join(jobs.askers(connection))
        job = jobs.begin(connection, jobs.BUILD, asked or STAFF)
        # Read before the inputs are: what is asked for from now on may not be in them.
        last = 0 if as_of else jobs.last_request(connection)
    try:
        newest = publish.next_path(work.home)
        target = publish.as_of_path(work.home, day) if as_of else newest
        building = publish.building_path(target)
        build(building, known_on(work, day), work.declared, day, progress)
        publish.put(building, target)
        if not as_of:
            publish.point_to(work.home, target)
    except Exception as error:
        with work.ledger.begin() as connection:
            jobs.answer_requests(connection, job, last)
            jobs.end(connection, job, Outcome.FAILED, _failure(error))
        raise
    with work.ledger.begin() as connection:
        audit.append(connection, STAFF, "发布", target.name, {"as_of": day.isoformat()})
        jobs.answer_requests(connection, job, last)
        detail = {"snapshot": target.stem, "as_of": day.isoformat()}
        jobs.end(connection, job, Outcome.DONE, detail=detail)
    return target


def build_state(work: Workplace) -> BuildState:
    """How publishing stands: what runs, what is still open, how the last build ended."""
    # The lock before the ledger: a build that ends in between is seen as ended, never as killed.
    is_building = publish.is_building(work.home)
    with reading(work.ledger) as connection:
        builds = jobs.newest(connection, 20, jobs.BUILD)
        waiting = jobs.open_requests(connection)
    running = next((job for job in builds[:1] if job.outcome is Outcome.RUNNING), None)
    if running is not None and not is_building:
        builds[0] = replace(running, outcome=Outcome.FAILED, message=jobs.INTERRUPTED)
        running = None
    ended = [job for job in builds if job.outcome is not Outcome.RUNNING]
    return BuildState(
        running_since=running.started_at if running else None,
        waiting=waiting,
        last_failure=ended[0] if ended and ended[0].outcome is Outcome.FAILED else None,
        last_success=next((job for job in ended if job.outcome is Outcome.DONE), None),
    )


def jobs_run(work: Workplace, limit: int = 50, kind: str | None = None) -> list[Job]:
    """The newest runs of builds, inbox and reminders, newest first. Empty: none yet."""
    with reading(work.ledger) as connection:
        return jobs.newest(connection, limit, kind)


def _failure(error: Exception) -> str:
    """What staff read of a failed build."""
    if isinstance(error, BuildRefused):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return f"生成失败（{type(error).__name__}：{first}）。原版本保持不变，请排除后运行 railshift build。"


def _checked(
    work: Workplace,
    paths: Sequence[Path],
    mapping: Mapping | None,
    rows_folder: Path | None,
    progress: Progress | None,
    *,
    expected_month: date | None = None,
    own_units: frozenset[str] | None = None,
    past: AcceptedRows | None = None,
) -> Iterator[CheckResult]:
    with reading(work.ledger) as connection:
        units = registry.registry_as_of(connection, work.today)
    step = (lambda path, done, whole: progress(path.name, done, whole)) if progress else None
    yield from check_files(
        paths,
        work.declared,
        units,
        mapping=mapping,
        today=work.today,
        rows_folder=rows_folder,
        progress=step,
        expected_month=expected_month,
        own_units=own_units,
        past=past,
    )


def _decide(
    connection: sa.Connection, file_id: int, result: CheckResult, received: Received, reason: str
) -> tuple[int, int, int]:
    """Accept the file's unit-months, day of receipt by day of receipt."""
    by_day: dict[date, list[UnitMonth]] = {}
    for unit_month in result.unit_months:
        by_day.setdefault(received(unit_month), []).append(unit_month)
    accepted = amended = unchanged = 0
    for day in sorted(by_day):
        batch = submissions.accept_batch(connection, file_id, by_day[day], day, reason, STAFF)
        accepted, amended = accepted + batch.accepted, amended + batch.amended
        unchanged += batch.unchanged
    return accepted, amended, unchanged


def known_on(work: Workplace, day: date) -> Inputs:
    """What the ledger knew on a day, as a build takes it."""
    """What the ledger knew on a day: what a build of that day is made of."""
    with reading(work.ledger) as connection:
        return Inputs(
            registry=registry.registry_as_of(connection, day),
            spurs=registry.spurs_as_of(connection, day),
            submissions=submissions.accepted_as_of(connection, day),
            reports=submissions.submissions_as_of(connection, day),
            official=official.official_as_of(connection, day),
            targets=official.targets_as_of(connection, day),
            events=official.events_as_of(connection, day),
            home=work.home,
        )
