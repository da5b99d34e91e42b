"""Whether the ledger is what was written into it: the audit chain, the heads noted outside it, the kept files.

What it proves: nobody changed, took out, exchanged or put in an entry of the log without this being seen, nor cut
off entries that a head outside speaks of; no kept file and no accepted row differs from what was recorded. Whoever
can write the database and HOME alike can write both anew: against that holds only a head or a backup kept elsewhere.
No message holds a figure of a unit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from etl.ledger import audit, heads
from etl.ledger.heads import Head
from etl.ledger.schema import append_only_gaps, audit_log, reading, stored_file, submission
from etl.ledger.submissions import content_of

Progress = Callable[[str, int, int], None]

LOG, FILES, ROWS, RETURNS, TRIGGERS = "审计日志", "上传文件", "月报的行", "已通过的月报", "只增不改的约束"
FROM_BACKUP = "请勿再写入，用最近的备份核对（railshift verify --backup 文件），必要时恢复。"
REMEDY = {
    LOG: FROM_BACKUP,
    FILES: "请从备份中取回同名文件，放回原处。",
    ROWS: "请从备份中取回该文件，放回原处，再运行 railshift build。",
    RETURNS: "台账中的数不是通过时的数。请用最近的备份核对（railshift verify --backup 文件），必要时恢复。",
    TRIGGERS: "请查明由谁、何时删去，核对审计日志后恢复备份。",
}


@dataclass(frozen=True)
class Problem:
    """What does not hold: the area, the place and what is wrong with it, what to do."""

    area: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Proof:
    """What was looked at and what does not hold. `outside`: how many heads the log was held against.

    Empty: no problem, everything holds.
    """

    entries: int
    hash: str
    outside: int
    files: int
    submissions: int
    problems: tuple[Problem, ...]


def verify(
    home: Path, ledger: sa.Engine, noted: Sequence[Head] = (), progress: Progress | None = None
) -> Proof:
    """Look at everything. `noted`: heads from elsewhere (a printed one, a backup's).

    Errors: OSError where the disk cannot be read.
    """
    # The file before the log: what is committed in between makes the file lag, never run ahead.
    own, unreadable = _own_heads(home)
    with reading(ledger) as conn:
        number, hash_ = audit.head(conn)
        problems = [*unreadable(number), *_faults(conn, [*own, *noted]), *_trigger_gaps(conn)]
        problems += _altered_returns(conn)
        kept = sorted(set(conn.scalars(sa.select(stored_file.c.sha256))))
        sent = [
            _Sent(*row)
            for row in conn.execute(
                sa.select(
                    submission.c.submission_id, submission.c.unit_code, submission.c.month,
                    submission.c.rows_file, submission.c.row_count, submission.c.tonnes,
                ).where(sa.not_(submission.c.is_zero))
            )
        ]  # fmt: skip
    for done, sha256 in enumerate(kept):
        if progress:
            progress(FILES, done, len(kept))
        problems += _file_problems(home, sha256)
    problems += _row_problems(home, sent)
    return Proof(number, hash_, len(own) + len(noted), len(kept), len(sent), tuple(problems))


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes. Errors: OSError."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True)
class _Sent:
    submission_id: int
    unit_code: str
    month: date
    rows_file: str
    row_count: int
    tonnes: Decimal


def _own_heads(home: Path) -> tuple[Sequence[Head], Callable[[int], Iterator[Problem]]]:
    """The heads in HOME, and what is wrong with their file, given the number of entries."""
    try:
        noted = heads.read(home)
    except FileNotFoundError:
        noted = None

    def wrong(entries: int) -> Iterator[Problem]:
        if noted is None and entries:
            what = f"缺少{heads.FILE_NAME}，末尾的条目是否被截去无从核对"
            yield Problem(LOG, what, f"请从备份中取回{heads.FILE_NAME}，放回{home}。")
        for line in noted.unreadable if noted else ():
            yield Problem(LOG, f"{heads.FILE_NAME}第{line}行不是本系统写的", REMEDY[LOG])

    return noted.heads if noted else (), wrong


def _faults(conn: sa.Connection, noted: Sequence[Head]) -> Iterator[Problem]:
    for fault in audit.faults(conn, noted):
        yield Problem(LOG, fault.what, REMEDY[LOG])


def _trigger_gaps(conn: sa.Connection) -> Iterator[Problem]:
    for table in append_only_gaps(conn):
        yield Problem(TRIGGERS, f"表{table}的约束缺失或已停用", REMEDY[TRIGGERS])


def _altered_returns(conn: sa.Connection) -> Iterator[Problem]:
    """Accepted returns that are not what the log says was accepted; older entries do not say it."""
    accepted = sa.or_(
        audit_log.c.subject.like("submission:%"), audit_log.c.subject.like("acceptance_batch:%")
    )
    query = sa.select(audit_log.c.subject, audit_log.c.detail).where(accepted).order_by(audit_log.c.entry_id)
    for subject, detail in conn.execute(query).all():
        try:
            noted = json.loads(detail).get("content")
            kind, number = subject.split(":")
            column = {"submission": submission.c.submission_id, "acceptance_batch": submission.c.batch_id}[
                kind
            ]
            is_same = noted is None or noted == content_of(conn, column == int(number))
        except (ValueError, KeyError, AttributeError):
            # An entry that the program did not write: the chain says so too.
            continue
        if not is_same:
            what = f"回执编号{number}" if kind == "submission" else f"第{number}批通过的月报"
            yield Problem(RETURNS, f"{what}与审计日志记的不同", REMEDY[RETURNS])


def _file_problems(home: Path, sha256: str) -> Iterator[Problem]:
    name = f"uploads/{sha256[:2]}/{sha256}"
    try:
        if sha256_of(home / name) != sha256:
            yield Problem(FILES, f"{name}被改动", REMEDY[FILES])
    except FileNotFoundError:
        yield Problem(FILES, f"{name}缺失", REMEDY[FILES])


def _row_problems(home: Path, sent: Sequence[_Sent]) -> Iterator[Problem]:
    """Of each return its rows on the disk against the number and the tonnes that the ledger recorded."""
    by_file: dict[str, list[_Sent]] = {}
    for one in sent:
        by_file.setdefault(one.rows_file, []).append(one)
    for name, many in sorted(by_file.items()):
        try:
            found = _sums(home / name)
        except FileNotFoundError:
            yield Problem(ROWS, f"{name}缺失", REMEDY[ROWS])
            continue
        except (pa.ArrowException, KeyError):
            yield Problem(ROWS, f"{name}无法读取", REMEDY[ROWS])
            continue
        for one in many:
            if found.get((one.unit_code, one.month)) != (one.row_count, one.tonnes):
                what = f"{name}中回执编号{one.submission_id}的行数或运量与登记的不同"
                yield Problem(ROWS, what, REMEDY[ROWS])


def _sums(path: Path) -> dict[tuple[str, date], tuple[int, Decimal]]:
    rows = pq.read_table(path, columns=["unit_code", "month", "tonnes"])
    sums = rows.group_by(["unit_code", "month"]).aggregate([("tonnes", "sum"), ([], "count_all")])
    return {
        (row["unit_code"], row["month"]): (row["count_all"], row["tonnes_sum"]) for row in sums.to_pylist()
    }
