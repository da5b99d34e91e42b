"""What a submission rests on: the files as they came, what the checks found, what the sender explained."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from etl.intake.finding import Finding
from etl.ledger import audit
from etl.ledger.schema import add_row, check_result, explanation, stored_file, submission_event
from etl.periods import now

if TYPE_CHECKING:
    from etl.intake.check import CheckResult


@dataclass(frozen=True)
class StoredFile:
    """A kept file. `path` is absolute; `mapping_text` is the mapping it was read with."""

    file_id: int
    sha256: str
    path: Path


@dataclass(frozen=True)
class KeptCheck:
    """What the check of a file said: its totals by code, exact; its findings, listed as far as it listed them."""

    totals: dict[str, int]
    findings: tuple[Finding, ...]
    rule_version: str


def keep_file(conn: sa.Connection, home: Path, source: Path, mapping_text: str | None) -> StoredFile:
    """Keep a file unchanged under its hash, whatever a check will say of it.

    The same bytes with the same mapping are one file, under the name they first came with.
    Errors: OSError where the file cannot be read or the disk is full.
    """
    sha256, size = _keep_bytes(home, source)
    mapping_sha256 = hashlib.sha256(mapping_text.encode()).hexdigest() if mapping_text else ""
    kept = home / "uploads" / sha256[:2] / sha256
    same = (stored_file.c.sha256 == sha256) & (stored_file.c.mapping_sha256 == mapping_sha256)
    file_id = conn.scalar(sa.select(stored_file.c.file_id).where(same))
    if file_id is None:
        row = {
            "sha256": sha256,
            "mapping_sha256": mapping_sha256,
            "file_name": source.name,
            "size": size,
            "mapping_text": mapping_text,
            "recorded_at": now(),
        }
        file_id = add_row(conn, stored_file, row)
    return StoredFile(file_id, sha256, kept)


def _keep_bytes(home: Path, source: Path) -> tuple[str, int]:
    """Copy and hash in one reading, so that the hash is that of the bytes kept; returns it and the size."""
    uploads = home / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as incoming, tempfile.NamedTemporaryFile(dir=uploads, delete=False) as copy:
        temporary = Path(copy.name)
        try:
            while block := incoming.read(1 << 20):
                digest.update(block)
                size += len(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
            kept = uploads / digest.hexdigest()[:2] / digest.hexdigest()
            kept.parent.mkdir(exist_ok=True)
            temporary.chmod(0o444)
            # Renamed when whole: a copy broken off halfway never stands under the hash.
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
    return digest.hexdigest(), size


def record_check(conn: sa.Connection, file_id: int, result: CheckResult) -> int:
    """Keep what a check found (the list is capped, the totals are exact); returns the check's number."""
    row = {
        "file_id": file_id,
        "file_name": result.file_name,
        "accepted": result.accepted,
        "rule_version": result.rule_version,
        "row_count": result.rows,
        "tonnes": result.tonnes,
        "encoding": result.encoding,
        "months": list(result.months),
        "totals": dict(result.totals),
        "findings": [finding.to_json() for finding in result.findings],
        "refused": [list(unit_month) for unit_month in result.refused],
        "recorded_at": now(),
    }
    return add_row(conn, check_result, row)


def check_of(conn: sa.Connection, submission_id: int) -> KeptCheck | None:
    """The check with which a submission was handed in last; it is of the whole file.

    Empty: None where it was never handed in.
    """
    step = submission_event.c
    handed_in = conn.execute(
        sa.select(step.file_id, step.recorded_at)
        .where(step.submission_id == submission_id, step.to_state == "已上报")
        .order_by(step.step_id.desc())
        .limit(1)
    ).first()
    if handed_in is None:
        return None
    # The same bytes may have been checked again since, for somebody else.
    query = (
        sa.select(check_result.c.totals, check_result.c.findings, check_result.c.rule_version)
        .where(check_result.c.file_id == handed_in.file_id)
        .where(check_result.c.recorded_at <= handed_in.recorded_at)
        .order_by(check_result.c.check_id.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    return KeptCheck(row.totals, tuple(Finding(**found) for found in row.findings), row.rule_version)


def explain(conn: sa.Connection, submission_id: int, texts: Mapping[str, str], actor: str) -> None:
    """Keep the sender's explanations of 核实 findings: code → text. A later one for a code stands."""
    stamp = {"submission_id": submission_id, "actor": actor, "recorded_at": now()}
    rows = [stamp | {"code": code, "text": text} for code, text in texts.items()]
    if rows:
        conn.execute(sa.insert(explanation), rows)
        audit.append(conn, actor, "说明", f"submission:{submission_id}", dict(texts))


def explanations(conn: sa.Connection, submission_id: int) -> dict[str, str]:
    """The explanations that stand: code → text. Empty: none were given."""
    query = (
        sa.select(explanation.c.code, explanation.c.text)
        .where(explanation.c.submission_id == submission_id)
        .order_by(explanation.c.explanation_id)
    )
    return {row.code: row.text for row in conn.execute(query)}


def record_mends(conn: sa.Connection, codes: Sequence[str], subject: str, actor: str) -> None:
    """Log that mends were taken, counted by their codes; `subject` names the file. None taken: no entry."""
    if codes:
        audit.append(conn, actor, "一键修正", subject, dict(sorted(Counter(codes).items())))
