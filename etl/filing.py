"""A return on its way: tried out, handed in with a receipt, reviewed, approved and published, or sent back; locked.

A return is taken whole or not at all. What is refused changes nothing; its file is kept for staff.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as TextByCode
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

import sqlalchemy as sa

from etl import builds, periods, pipeline
from etl.builds import BuildFailed
from etl.intake.check import CheckResult, UnitMonth
from etl.intake.finding import EXPLAIN
from etl.intake.mapping import Mapping
from etl.intake.mends import Mend, find_mends
from etl.intake.returned import returned
from etl.intake.rules import BY_CODE, refusal
from etl.intake.template import ReportingUnit, last_flows, template
from etl.intake.worker import in_child
from etl.ledger import amendments, evidence, jobs, registry, review, submissions
from etl.ledger.amendments import Revision
from etl.ledger.review import Waiting
from etl.ledger.schema import reading
from etl.ledger.submissions import HistoryStep, State, Version
from etl.pipeline import Workplace
from etl.roles import CITY, Actor, Role
from etl.warehouse.effect import Effect, changes
from etl.warehouse.preview import Preview
from etl.warehouse.scope import NotVisible

SENDER = "填报单位"
# As an explanation: what was said of this code last time.
AS_BEFORE = "同上月"


class _AsReviewer(TypedDict):
    county_review: bool
    actor: Actor
    on: date


class UnknownUnit(Exception):
    """No unit of the registry has this code; the message (Chinese) says what to do."""


@dataclass(frozen=True)
class Receipt:
    """A unit-month that was handed in. The number is that of the submission; tonnes exact."""

    submission_id: int
    unit_code: str
    name: str
    month: date
    rows: int
    tonnes: Decimal
    is_zero: bool


@dataclass(frozen=True)
class Filed:
    """What became of a return: its check, and its receipts if it was taken.

    `to_explain`: each 核实 code that still needs an explanation → what was said of it last ('' = never).
    `unchanged`: unit-months that are accepted already with the same content.
    """

    check: CheckResult
    to_explain: dict[str, str]
    receipts: tuple[Receipt, ...] = ()
    unchanged: tuple[UnitMonth, ...] = ()
    sha256: str = ""
    received_at: datetime | None = None

    @property
    def accepted(self) -> bool:
        """The return was taken, or is there already."""
        return _may_be_sent(self.check) and not self.to_explain


@dataclass(frozen=True)
class TriedOut:
    """A return tried out: its check, what it would need, and what it would change. Nothing is stored."""

    check: CheckResult
    to_explain: dict[str, str]
    previews: tuple[Preview, ...]


@dataclass(frozen=True)
class Locked:
    """A month that was locked: number and unit of each return; `unlocked`: unit and state of the others begun."""

    month: date
    locked: tuple[tuple[int, str], ...]
    unlocked: tuple[tuple[str, State], ...]


@dataclass(frozen=True)
class Decided:
    """Returns that a review took on: passed, handed on to the city, sent back; number, unit and month of each.

    `snapshot`: the version published after an approval.

    `unpublished` says why nothing was published although the approval stands; '' = no such thing.
    `is_building`: it is being published by another process.
    """

    returns: tuple[tuple[int, str, date], ...]
    state: State
    snapshot: str | None = None
    unpublished: str = ""
    is_building: bool = False


def units_of(work: Workplace, code: str) -> frozenset[str]:
    """The reporting units of a 统一社会信用代码 or of a unit code. Errors: UnknownUnit."""
    found = frozenset(
        row["unit_code"] for row in _registered(work) if code in (row["unit_code"], row["uscc"])
    )
    if not found:
        raise UnknownUnit(f"名录中没有代码为{code}的单位。请核对代码，或联系市交通运输局登记。")
    return found


def names(work: Workplace) -> dict[str, str]:
    """Unit code → newest name in the registry."""
    rows = sorted(_registered(work), key=lambda row: row["valid_from"] or date.min)
    return {row["unit_code"]: row["name"] for row in rows}


def try_out(
    work: Workplace,
    path: Path,
    *,
    units: frozenset[str] | None = None,
    mapping: Mapping | None = None,
    explained: TextByCode[str, str] | None = None,
) -> TriedOut:
    """Check a return as `submit` would, and say what it would change (试校验)."""
    with tempfile.TemporaryDirectory() as scratch:
        rows_folder = Path(scratch) / "rows"
        result = next(pipeline.check(work, [path], mapping, own_units=units, rows_folder=rows_folder))
        previews = tuple(pipeline.previews(work, result.unit_months, Path(scratch)))
    return TriedOut(result, _to_explain(work, result, explained or {})[0], previews)


def submit(
    work: Workplace,
    path: Path,
    *,
    units: frozenset[str] | None = None,
    mapping: Mapping | None = None,
    explained: TextByCode[str, str] | None = None,
    reason: str = "",
    actor: str = SENDER,
    within: Callable[[sa.Connection], object] | None = None,
) -> Filed:
    """Check a return and hand it in, all its unit-months or none.

    `units`, where given, are the only ones that it may speak for. `explained`: 核实 code → explanation;
    同上月 stands for what was said last. `reason`: of a correction of an accepted month. `within`, where given,
    writes in the same transaction.
    Errors: TransitionRefused while a month is being reviewed, or for a correction without its reason.
    """
    # On the file system of the folder, so that the rows get their name in one step.
    with tempfile.TemporaryDirectory(dir=work.home, prefix=".submit-") as scratch:
        rows_folder = Path(scratch) / "rows"
        result = next(pipeline.check(work, [path], mapping, own_units=units, rows_folder=rows_folder))
        with work.ledger.begin() as connection:
            file = submissions.keep_file(connection, work.home, path, mapping.text if mapping else None)
            submissions.record_check(connection, file.file_id, result)
        missing, texts = _to_explain(work, result, explained or {})
        if missing or not _may_be_sent(result):
            return Filed(result, missing, sha256=file.sha256)
        _store_rows(work.home, rows_folder)
    received_at = datetime.combine(work.today, periods.now().timetz())
    names_of = names(work)
    receipts, unchanged = [], []
    with work.ledger.begin() as connection:
        for one in result.unit_months:
            number = submissions.submit(connection, file.file_id, one, work.today, actor, reason)
            if number is None:
                unchanged.append(one)
                continue
            submissions.explain(connection, number, texts, actor)
            name = names_of[one.unit_code]
            receipts.append(
                Receipt(number, one.unit_code, name, one.month, one.rows, one.tonnes, one.is_zero)
            )
        if within:
            within(connection)
    return Filed(result, {}, tuple(receipts), tuple(unchanged), file.sha256, received_at)


def waiting(work: Workplace, counties: frozenset[str] | None = None) -> list[Waiting]:
    """All returns that wait for review, oldest first; `counties`: only those of their units."""
    with reading(work.ledger) as connection:
        return review.waiting(connection, work.today, work.declared.plan.county_review, counties)


def versions(work: Workplace, unit_code: str, month: date) -> list[Version]:
    """All versions of a unit-month, oldest first. Empty: nothing was begun."""
    with reading(work.ledger) as connection:
        return submissions.versions(connection, unit_code, month)


def history(work: Workplace, number: int) -> list[HistoryStep]:
    """Who did what when to one submission. Empty: there is none of this number."""
    with reading(work.ledger) as connection:
        return submissions.history(connection, number)


def take_up(work: Workplace, numbers: Sequence[int], *, actor: Actor = CITY) -> Decided:
    """Begin the review of returns, all or none, so that their senders no longer change them.

    Errors: TransitionRefused, NotAllowed.
    """
    with work.ledger.begin() as connection:
        return _decided(
            (number, review.take_up(connection, number, **_as_reviewer(work, actor)))
            for number in dict.fromkeys(numbers)
        )


def approve(
    work: Workplace,
    numbers: Sequence[int],
    *,
    reason: str = "",
    actor: Actor = CITY,
    shown: Effect | None = None,
    wait: bool = True,
) -> Decided:
    """Pass returns, all or none; what the city passes is published, what a county passes goes on to the city.

    What amendments among them do to published figures is kept with them: `shown`, where that is the effect of
    just these, else it is worked out here. The build is another process's; without `wait` it goes on when this
    has returned, and `pipeline.build_state` says how. Errors: TransitionRefused, NotAllowed.
    """
    amended = _amendments(work, numbers) if actor.role is Role.ANALYST else ()
    if amended and (shown is None or set(shown.submissions) != set(amended)):
        shown = effect(work, *amended)
    with work.ledger.begin() as connection:
        done = _decide(connection, work, numbers, State.通过, reason, actor)
        if shown and amended:
            amendments.keep(connection, shown, actor.name)
        if done.state is not State.通过:
            return done
        request = jobs.request_build(connection, "审核通过", actor.name)
    if not wait:
        builds.answer_later(work)
        return replace(done, is_building=True)
    try:
        job = builds.answer(work, request)
    except BuildFailed as failure:
        return replace(done, unpublished=str(failure))
    return replace(done, snapshot=job.detail.get("snapshot"), unpublished=job.message)


def send_back(work: Workplace, numbers: Sequence[int], reason: str, *, actor: Actor = CITY) -> Decided:
    """Send returns back to their units, all or none, with the reason. Errors: TransitionRefused, NotAllowed."""
    with work.ledger.begin() as connection:
        return _decide(connection, work, numbers, State.退回, reason, actor)


def lock(work: Workplace, month: date, *, actor: Actor = CITY) -> Locked:
    """Lock what is accepted of a month; what still waits or is open stays as it is. Errors: NotAllowed."""
    with work.ledger.begin() as connection:
        locked = review.lock(connection, month, actor, work.today)
        standing = submissions.submissions_as_of(connection, work.today).to_pylist()
    unlocked = tuple(
        (row["unit_code"], State(row["state"]))
        for row in standing
        if row["month"] == month and row["state"] != State.锁定
    )
    return Locked(month, tuple(locked), unlocked)


def effect(work: Workplace, *numbers: int) -> Effect:
    """What accepting these submissions would do to published figures, all of them together.

    Errors: TransitionRefused for a number that there is not or that is accepted already.
    """
    with reading(work.ledger) as connection:
        accepted = amendments.as_accepted(connection, numbers, work.today)
        counties: dict[str, str] = {}
        for one in accepted:
            unit = registry.in_force(connection, one.month, work.today).get(one.unit_code)
            if unit is not None:
                counties[one.unit_code] = unit["county_code"]
    known = pipeline.known_on(work, work.today)
    found = changes(known, work.declared, work.today, accepted, counties) if accepted else ()
    return Effect(numbers, found)


def revisions(work: Workplace, units: frozenset[str] | None = None) -> list[Revision]:
    """What accepted amendments did to published figures, newest first; `units`: only theirs."""
    with reading(work.ledger) as connection:
        return amendments.revisions(connection, units)


def _amendments(work: Workplace, numbers: Sequence[int]) -> tuple[int, ...]:
    """Those of the numbers that are a second version or later and wait for their review."""
    waiting_now = {one.submission_id: one.version for one in waiting(work)}
    return tuple(number for number in dict.fromkeys(numbers) if waiting_now.get(number, 1) > 1)


def _decide(
    connection: sa.Connection, work: Workplace, numbers: Sequence[int], to: State, reason: str, actor: Actor
) -> Decided:
    return _decided(
        (number, review.decide(connection, number, to, reason=reason, **_as_reviewer(work, actor)))
        for number in dict.fromkeys(numbers)
    )


def _as_reviewer(work: Workplace, actor: Actor) -> _AsReviewer:
    return {"county_review": work.declared.plan.county_review, "actor": actor, "on": work.today}


def _decided(steps: Iterable[tuple[int, tuple[str, date, State]]]) -> Decided:
    done = list(steps)
    return Decided(tuple((number, unit, month) for number, (unit, month, _) in done), done[0][1][2])


def _may_be_sent(result: CheckResult) -> bool:
    """No 强制 finding, and no unit-month that waits for an answer (万吨 in the head)."""
    return result.accepted and not result.refused


def _to_explain(
    work: Workplace, result: CheckResult, explained: TextByCode[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The codes without an explanation, with what was said last; and the explanations that stand."""
    codes = [code for code in result.totals if BY_CODE[code].severity == EXPLAIN]
    units = {one.unit_code for one in result.unit_months}
    month = max((one.month for one in result.unit_months), default=work.today)
    with reading(work.ledger) as connection:
        last = review.last_explanations(connection, units, codes, month) if codes else {}
    texts = {code: explained.get(code, "").strip() for code in codes}
    texts = {code: last.get(code, "") if text == AS_BEFORE else text for code, text in texts.items()}
    missing = {code: last.get(code, "") for code, text in texts.items() if not text}
    return missing, {code: text for code, text in texts.items() if text}


def _store_rows(home: Path, folder: Path) -> None:
    """Give the typed rows their place. The name tells the content, so one that is there is the same."""
    (home / "rows").mkdir(exist_ok=True)
    for file in folder.glob("*.parquet"):
        os.replace(file, home / "rows" / file.name)


def _registered(work: Workplace) -> list[dict]:
    with reading(work.ledger) as connection:
        return registry.registry_as_of(connection, work.today).to_pylist()


def unit_of(work: Workplace, unit_code: str) -> ReportingUnit:
    """Code, credit code and newest name of a reporting unit. Errors: UnknownUnit."""
    rows = [row for row in _registered(work) if row["unit_code"] == unit_code]
    if not rows:
        raise UnknownUnit(f"名录中没有编码为{unit_code}的单位。请核对编码，或联系市交通运输局登记。")
    newest = max(rows, key=lambda row: row["valid_from"] or date.min)
    return ReportingUnit(unit_code, newest["uscc"], newest["name"])


def form(work: Workplace, unit_code: str, month: date, units: frozenset[str] | None = None) -> bytes:
    """The template of a unit for a month (.xlsx), with the flows of its last accepted month filled in.

    Errors: UnknownUnit; NotVisible for a unit that is not of `units`, where they are given.
    """
    if units is not None and unit_code not in units:
        raise NotVisible("没有这个单位，或当前身份不能查看。")
    unit = unit_of(work, unit_code)
    with reading(work.ledger) as connection:
        accepted = submissions.accepted_as_of(connection, work.today)
    return template(work.declared, unit, month, last_flows(accepted, work.home, unit_code, month))


def report(
    work: Workplace,
    path: Path,
    result: CheckResult,
    *,
    mapping: Mapping | None = None,
    mend: bool = False,
    answers: Sequence[str] = (),
    actor: str | None = None,
) -> tuple[bytes, int]:
    """The enterprise's own workbook back with its findings, and how many cells were mended.

    `mend` writes in what was understood; `answers` are the codes that the clerk has said yes to (S112:
    万吨). The mends are logged under `actor`; None: they are only offered. The file is parsed in a child
    process, as the check was. Errors: Refusal.
    """
    mends: tuple[Mend, ...] = ()
    with reading(work.ledger) as connection:
        units = registry.registry_as_of(connection, work.today)
    if mend:
        found = in_child(find_mends, path, work.declared, units, mapping=mapping, answers=tuple(answers))
        mends = found if isinstance(found, tuple) else ()
    book = in_child(returned, path, result, mapping=mapping, mends=mends)
    if not isinstance(book, bytes):
        raise refusal("S009")
    if actor is not None and mends:
        with path.open("rb") as stream:
            subject = f"file:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        with work.ledger.begin() as connection:
            evidence.record_mends(connection, [mend.code for mend in mends], subject, actor)
    return book, len(mends)
