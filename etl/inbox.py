"""The inbox: files that the railway and the bureau drop, loaded once each, by SFTP or by hand.

What a file is, is told by its header. A return is handed in and waits for its review like any other; a table is
recorded. What is refused is moved aside with its report beside it; a fault of ours leaves the file where it is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from etl import builds, filing, listing, mirror, pipeline, registers
from etl.builds import BuildFailed
from etl.intake.contracts import CONTRACTS
from etl.intake.fields import ALL_HEADERS, HEADER_TO_FIELD, plain
from etl.intake.finding import Refusal
from etl.intake.receive import open_table
from etl.intake.worker import in_child
from etl.ledger import jobs
from etl.ledger.jobs import Outcome
from etl.ledger.schema import add_row, inbox_file, reading
from etl.ledger.submissions import TransitionRefused
from etl.ledger.tables import TABLES
from etl.locks import alone
from etl.periods import now
from etl.pipeline import Workplace
from etl.roles import SYSTEM

log = logging.getLogger("railshift")
FOLDER, DONE, REFUSED, LOCK = "inbox", "done", "refused", ".lock"
SENDER = "收件箱"
RETURN = "月报"
# Whoever writes under another name first, then renames, is done when the name is.
UNFINISHED = (".part", ".filepart", ".tmp", ".crdownload", ".swp")
SETTLE_SECONDS = 2.0
# The header of a return says these; no other table has all of them.
_FLOW = {"commodity", "direction", "mode", "origin", "destination"}

LOADED, AGAIN, SET_ASIDE, LEFT = "已登记", "已处理过", "未受理", "未完成"


class InboxRunning(Exception):
    """Another run is at it; the message says what to do."""


@dataclass(frozen=True)
class Taken:
    """What became of a file: 已登记, 已处理过 (the same bytes before), 未受理 (moved aside), 未完成 (left, our fault).

    `kind` is 月报 or a table's title, '' = not told; `message` says why it was not taken.
    """

    name: str
    kind: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class InboxRun:
    """One run. `being_written`: files that changed meanwhile or carry an unfinished name; left alone.

    `snapshot`: what was published of it; `unpublished`: why nothing was although something should have been.
    """

    files: tuple[Taken, ...]
    being_written: tuple[str, ...]
    snapshot: str | None = None
    unpublished: str = ""

    @property
    def outcome(self) -> Outcome:
        taken = {one.outcome for one in self.files}
        if not taken & {SET_ASIDE, LEFT} and not self.unpublished:
            return Outcome.DONE
        return Outcome.PARTLY if taken & {LOADED, AGAIN} else Outcome.FAILED

    def message(self) -> str:
        """How many of each, in words."""
        if not self.files:
            return "没有新文件。"
        counts = {
            word: sum(one.outcome == word for one in self.files) for word in (LOADED, AGAIN, SET_ASIDE, LEFT)
        }
        return (
            "，".join(f"{word}{count}个" for word, count in counts.items() if count) + f"。{self.unpublished}"
        )


def folder_of(work: Workplace) -> Path:
    """Where files are dropped; refused ones lie in its folder refused/ afterwards, loaded ones in done/."""
    return work.home / FOLDER


def dropped(work: Workplace) -> tuple[str, ...]:
    """The files that lie there for the next run. Empty: also where the folder does not exist yet."""
    folder = folder_of(work)
    return tuple(sorted(_looks(folder))) if folder.is_dir() else ()


def run(
    work: Workplace,
    *,
    by: str = SENDER,
    settle: Callable[[], object] = lambda: time.sleep(SETTLE_SECONDS),
) -> InboxRun:
    """Load what is new, once each, and publish what figures rest on. It is written down as a job, run `by` somebody.

    `settle` is waited for between two looks: what changes meanwhile is still being written.
    Errors: InboxRunning.
    """
    folder = folder_of(work)
    for name in (DONE, REFUSED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with alone(folder / LOCK, InboxRunning("另一次收件正在进行，请稍候再试。")):
        with work.ledger.begin() as connection:
            job = jobs.begin(connection, jobs.INBOX, by)
        try:
            done = _run(work, folder, settle)
        except Exception as fault:
            with work.ledger.begin() as connection:
                jobs.end(connection, job, Outcome.FAILED, f"收件失败（{type(fault).__name__}），详情见日志。")
            raise
        with work.ledger.begin() as connection:
            files = [vars(one) for one in done.files]
            jobs.end(
                connection, job, done.outcome, done.message(), {"files": files, "snapshot": done.snapshot}
            )
        log.info("收件：%s", done.message())
    return done


def _run(work: Workplace, folder: Path, settle: Callable[[], object]) -> InboxRun:
    first = _looks(folder)
    if first:
        settle()
    second = _looks(folder)
    still = {name for name in (*first, *second) if first.get(name) != second.get(name)}
    unfinished = {entry.name for entry in folder.iterdir() if entry.is_file() and _is_unfinished(entry.name)}
    files = tuple(_take(work, folder / name) for name in sorted(second) if name not in still)
    snapshot, unpublished = _published(work)
    if any(one.kind == registers.TITLES["station_list"] and one.outcome == LOADED for one in files):
        mirror.refresh(work)
    return InboxRun(files, tuple(sorted(still | unfinished)), snapshot, unpublished)


def _take(work: Workplace, file: Path) -> Taken:
    """Load one file and move it. A kill at any point leaves it to the next run, which loads nothing twice."""
    if file.is_symlink():
        return _aside(work, file, Taken(file.name, "", SET_ASIDE, "不是普通文件。请直接放入文件本身。"))
    kind = ""
    try:
        sha256 = _sha256(file)
        if _is_known(work, sha256):
            os.replace(file, _place(file, file.parent / DONE, sha256))
            return Taken(file.name, "", AGAIN, "内容与已登记的文件相同。")
        name = in_child(told_by_header, file)
        if not isinstance(name, str) or not name:
            return _aside(
                work, file, Taken(file.name, "", SET_ASIDE, "看不出是哪种表。请按模板或约定的表头填写。")
            )
        kind = RETURN if name == RETURN else TABLES[name].title
        taken = _hand_in(work, file, sha256) if name == RETURN else _record(work, file, sha256, name)
        if taken.outcome == LOADED:
            os.replace(file, _place(file, file.parent / DONE, sha256))
        return taken
    except Refusal as refusal:
        return _aside(
            work, file, Taken(file.name, kind, SET_ASIDE, str(refusal)), listing.refusal_json(refusal)
        )
    except Exception as fault:
        # The file is not to blame: it stays for the next run.
        log.exception("inbox: %s", file.name)
        return Taken(file.name, kind, LEFT, f"系统错误（{type(fault).__name__}），下次重试，详情见日志。")


def told_by_header(file: Path) -> str:
    """月报 or the name of a table; '' where no header or more than one table fits. Errors: Refusal."""
    headers = {column.header for contract in CONTRACTS.values() for column in contract.columns}
    with tempfile.TemporaryDirectory() as scratch:
        found = {
            plain(header) for header in open_table(file, Path(scratch), None, ALL_HEADERS | headers).header
        }
    if {HEADER_TO_FIELD.get(header) for header in found} >= _FLOW:
        return RETURN
    fits: dict[str, int] = {}
    for name, contract in CONTRACTS.items():
        if {plain(column.header) for column in contract.columns if column.required} <= found:
            fits[name] = sum(plain(column.header) in found for column in contract.columns)
    best = [name for name, count in fits.items() if count == max(fits.values())]
    return best[0] if len(best) == 1 else ""


def _hand_in(work: Workplace, file: Path, sha256: str) -> Taken:
    note = _note(sha256, file.name, RETURN)
    try:
        filed = filing.submit(work, file, actor=SENDER, within=note)
    except TransitionRefused as refusal:
        return _aside(work, file, Taken(file.name, RETURN, SET_ASIDE, str(refusal)))
    if filed.accepted:
        return Taken(file.name, RETURN, LOADED)
    why = (
        "有核实项需要说明，请由填报单位在网页上报送。"
        if filed.to_explain
        else "未通过校验，问题见旁边的报告。"
    )
    taken = Taken(file.name, RETURN, SET_ASIDE, why)
    more = {"to_explain": listing.to_explain_json(filed.to_explain)}
    return _aside(work, file, taken, filed.check.to_json() | more, filing.report(work, file, filed.check)[0])


def _record(work: Workplace, file: Path, sha256: str, name: str) -> Taken:
    note, title = _note(sha256, file.name, TABLES[name].title), TABLES[name].title

    def within(connection: sa.Connection) -> None:
        note(connection)
        if TABLES[name].is_built:
            jobs.request_build(connection, f"收件{title}", SENDER)

    done = pipeline.import_table(work, name, file, actor=SYSTEM, within=within)
    if done.accepted:
        return Taken(file.name, title, LOADED)
    found = {"accepted": False, "findings": [finding.to_json() for finding in done.findings]}
    return _aside(work, file, Taken(file.name, title, SET_ASIDE, done.findings[0].message), found)


def _published(work: Workplace) -> tuple[str | None, str]:
    """Publish what tables have changed, those of a run that was killed too."""
    with reading(work.ledger) as connection:
        request = jobs.last_request(connection)
        waiting = jobs.open_requests(connection)
    if not waiting:
        return None, ""
    try:
        job = builds.answer(work, request)
    except BuildFailed as failure:
        return None, str(failure)
    return job.detail.get("snapshot"), job.message


def _is_known(work: Workplace, sha256: str) -> bool:
    same = (inbox_file.c.sha256 == sha256) & inbox_file.c.accepted
    with reading(work.ledger) as connection:
        return connection.scalar(sa.select(inbox_file.c.inbox_id).where(same).limit(1)) is not None


def _note(sha256: str, name: str, kind: str) -> Callable[[sa.Connection], object]:
    """Writes down, in the transaction that loads a file, that it is loaded."""
    row = {"sha256": sha256, "file_name": name, "kind": kind, "accepted": True, "message": ""}
    return lambda connection: add_row(connection, inbox_file, row | {"recorded_at": now()})


def _aside(
    work: Workplace, file: Path, taken: Taken, found: dict | None = None, book: bytes | None = None
) -> Taken:
    """Move a refused file aside, its report beside it: what was found as JSON, a workbook with the cells marked."""
    sha256 = "" if file.is_symlink() else _sha256(file)
    target = _place(file, file.parent / REFUSED, sha256 or "link")
    report = (found or {"accepted": False}) | {"file": file.name, "message": taken.message}
    # The report first: where this is killed, the next run writes it again and moves the file.
    target.with_name(f"{target.name}.问题.json").write_text(
        json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    if book is not None:
        target.with_name(f"{target.name}.问题.xlsx").write_bytes(book)
    os.replace(file, target)
    row = {"sha256": sha256, "file_name": file.name, "kind": taken.kind, "accepted": False}
    with work.ledger.begin() as connection:
        add_row(connection, inbox_file, row | {"message": taken.message, "recorded_at": now()})
    return taken


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _place(file: Path, folder: Path, sha256: str) -> Path:
    """Where the file goes; where its name is taken by another, a piece of its hash tells them apart."""
    target = folder / file.name
    taken = target.exists() or target.is_symlink()
    return folder / f"{file.stem}-{sha256[:12]}{file.suffix}" if taken else target


def _looks(folder: Path) -> dict[str, tuple[int, int]]:
    """Name → size and time of change of each finished file."""
    entries: Iterable[Path] = (entry for entry in folder.iterdir() if not entry.name.startswith((".", "~$")))
    found = {}
    for entry in entries:
        if (entry.is_symlink() or entry.is_file()) and not _is_unfinished(entry.name):
            state = entry.lstat()
            found[entry.name] = state.st_size, state.st_mtime_ns
    return found


def _is_unfinished(name: str) -> bool:
    return name.casefold().endswith(UNFINISHED)
