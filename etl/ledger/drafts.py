"""What a clerk has begun and not sent, and which column is which in a unit's own layout, as confirmed.

Both are notes of the clerk's own: they may be replaced and deleted, and the audit log says so. A file that
a draft holds is kept under its hash like any other, also when the draft is gone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from etl.ledger import audit
from etl.ledger.evidence import keep_file
from etl.ledger.schema import add_row, column_mapping, draft, stored_file
from etl.periods import now

FILE, GRID = "file", "grid"
# Of a file that came without a name.
NAMELESS = "月报"


@dataclass(frozen=True)
class Draft:
    """A unit-month that was begun. `way` is file or grid; text is as it was typed.

    `rows`: of a grid, our header → text. `content`: of a file, its bytes; `file_name` its name.
    `explained`: 核实 code → explanation; `reason`: of a correction.
    """

    unit_code: str
    month: date
    way: str
    rows: tuple[dict[str, str], ...] = ()
    file_name: str = ""
    content: bytes | None = None
    mapping_text: str | None = None
    explained: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    saved_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class Layout:
    """A unit's own layout and the mapping that somebody confirmed for it, as TOML."""

    mapping_id: int
    unit_code: str
    header: tuple[str, ...]
    mapping_text: str
    recorded_at: datetime
    actor: str


# ----------------------------------------------------------------------------------------------- drafts


def save(conn: sa.Connection, home: Path, begun: Draft, actor: str) -> Draft:
    """Keep a draft in place of the one of its unit-month; returns it with the moment of saving.

    The audit gets an entry where anything has changed. Errors: OSError where the disk is full.
    """
    file_id, sha256 = None, None
    if begun.content is not None:
        with tempfile.TemporaryDirectory() as scratch:
            name = Path(begun.file_name).name
            source = Path(scratch) / (name if name.strip(".") else NAMELESS)
            source.write_bytes(begun.content)
            kept = keep_file(conn, home, source, begun.mapping_text)
        file_id, sha256 = kept.file_id, kept.sha256
    content = {
        "way": begun.way,
        "rows": [dict(row) for row in begun.rows],
        "file_name": begun.file_name,
        "mapping_text": begun.mapping_text,
        "explained": dict(begun.explained),
        "reason": begun.reason,
    }
    saved_at = now()
    before = conn.execute(sa.select(draft).where(_of(begun.unit_code, begun.month))).first()
    new = {"file_id": file_id, "content": content, "actor": actor, "recorded_at": saved_at}
    if before is None:
        add_row(conn, draft, new | {"unit_code": begun.unit_code, "month": begun.month})
    else:
        conn.execute(sa.update(draft).where(draft.c.draft_id == before.draft_id).values(new))
    if before is None or (before.file_id, before.content) != (file_id, content):
        detail = {"way": begun.way, "rows": len(begun.rows), "sha256": sha256}
        audit.append(conn, actor, "暂存草稿", _subject(begun.unit_code, begun.month), detail)
    return replace(begun, saved_at=saved_at)


def read(conn: sa.Connection, home: Path, unit_code: str, month: date) -> Draft | None:
    """The draft of a unit-month. Empty: None. Errors: OSError where its file is gone from the disk."""
    query = (
        sa.select(draft, stored_file.c.sha256)
        .join(stored_file, stored_file.c.file_id == draft.c.file_id, isouter=True)
        .where(_of(unit_code, month))
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    kept = home / "uploads" / row.sha256[:2] / row.sha256 if row.sha256 else None
    return Draft(
        unit_code,
        month,
        row.content["way"],
        tuple(row.content["rows"]),
        row.content["file_name"],
        kept.read_bytes() if kept else None,
        row.content["mapping_text"],
        row.content["explained"],
        row.content["reason"],
        row.recorded_at,
    )


def begun_by(conn: sa.Connection, units: Collection[str]) -> set[tuple[str, date]]:
    """The unit-months of these units that have a draft. Empty: none has."""
    query = sa.select(draft.c.unit_code, draft.c.month).where(draft.c.unit_code.in_(sorted(units)))
    return {(row.unit_code, row.month) for row in conn.execute(query)}


def drop(conn: sa.Connection, unit_code: str, month: date, actor: str) -> None:
    """Delete a draft; nothing happens, and nothing is logged, where there is none."""
    if conn.execute(sa.delete(draft).where(_of(unit_code, month))).rowcount:
        audit.append(conn, actor, "删除草稿", _subject(unit_code, month), {})


def _of(unit_code: str, month: date) -> sa.ColumnElement[bool]:
    return (draft.c.unit_code == unit_code) & (draft.c.month == month)


def _subject(unit_code: str, month: date) -> str:
    return f"draft:{unit_code}:{month:%Y-%m}"


# ------------------------------------------------------------------------------------- column mappings


def remember(
    conn: sa.Connection,
    unit_code: str,
    header_sha256: str,
    header: Sequence[str],
    mapping_text: str,
    actor: str,
) -> int:
    """Keep a confirmed mapping for a unit's layout, in place of an earlier one; returns its number."""
    same = (column_mapping.c.unit_code == unit_code) & (column_mapping.c.header_sha256 == header_sha256)
    before = conn.execute(sa.select(column_mapping).where(same)).first()
    if before is not None and before.mapping_text == mapping_text:
        return before.mapping_id
    new = {"header": list(header), "mapping_text": mapping_text, "actor": actor, "recorded_at": now()}
    if before is None:
        keys = {"unit_code": unit_code, "header_sha256": header_sha256}
        mapping_id = add_row(conn, column_mapping, new | keys)
    else:
        mapping_id = before.mapping_id
        conn.execute(sa.update(column_mapping).where(same).values(new))
    detail = {"unit_code": unit_code, "header": list(header), "mapping": mapping_text}
    audit.append(conn, actor, "记住列对照", f"column_mapping:{mapping_id}", detail)
    return mapping_id


def layouts(conn: sa.Connection, units: Collection[str]) -> list[Layout]:
    """The layouts that were confirmed for these units, newest first. Empty: none was."""
    one = column_mapping.c
    query = (
        sa.select(one.mapping_id, one.unit_code, one.header, one.mapping_text, one.recorded_at, one.actor)
        .where(one.unit_code.in_(sorted(units)))
        .order_by(one.recorded_at.desc(), one.mapping_id.desc())
    )
    return [Layout(number, unit, tuple(header), *rest) for number, unit, header, *rest in conn.execute(query)]


def mappings(conn: sa.Connection, unit_code: str) -> dict[str, str]:
    """The confirmed mappings of a unit: sha256 of a layout's header → TOML."""
    one = column_mapping.c
    query = sa.select(one.header_sha256, one.mapping_text).where(one.unit_code == unit_code)
    return {row.header_sha256: row.mapping_text for row in conn.execute(query)}


def forget(conn: sa.Connection, mapping_id: int, units: Collection[str], actor: str) -> bool:
    """Delete a confirmed mapping of one of these units; False where they have none of this number."""
    here = (column_mapping.c.mapping_id == mapping_id) & column_mapping.c.unit_code.in_(sorted(units))
    row = conn.execute(sa.select(column_mapping).where(here)).first()
    if row is None:
        return False
    conn.execute(sa.delete(column_mapping).where(here))
    detail = {"unit_code": row.unit_code, "header": row.header, "mapping": row.mapping_text}
    audit.append(conn, actor, "删除列对照", f"column_mapping:{mapping_id}", detail)
    return True
