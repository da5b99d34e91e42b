"""The audit log: who did what, append-only, each entry chained to the one before it.

hash = sha256(hash of the entry before + canonical JSON of this one). A changed, removed, inserted or
reordered entry breaks the chain from there on. Entries cut off at the end leave no trace in the chain
itself: compare `head` with a noted one (a backup or a printed page has it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import sqlalchemy as sa

from etl.ledger.schema import audit_log, written
from etl.periods import now

FIRST_HASH = "0" * 64


def append(conn: sa.Connection, actor: str, action: str, subject: str, detail: Mapping[str, object]) -> int:
    """Add an entry; returns its number. The transaction must be a writer's (see `schema`).

    Errors: TypeError where `detail` holds what JSON cannot (dates and decimals go in as text).
    """
    number, previous = head(conn)
    entry = {
        "entry_id": number + 1,
        "recorded_at": now(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": _canonical(detail),
        "previous_hash": previous,
    }
    conn.execute(sa.insert(audit_log), entry | {"hash": _hash(entry)})
    return number + 1


def head(conn: sa.Connection) -> tuple[int, str]:
    """Number and hash of the last entry. Empty: 0 and the hash that the first entry is chained to."""
    newest = conn.execute(
        sa.select(audit_log.c.entry_id, audit_log.c.hash).order_by(audit_log.c.entry_id.desc()).limit(1)
    ).first()
    return (newest.entry_id, newest.hash) if newest else (0, FIRST_HASH)


def broken(conn: sa.Connection) -> list[int]:
    """Numbers of the entries that do not hold: altered, or not following the one before. Empty: all hold."""
    wrong: list[int] = []
    number, previous = 0, FIRST_HASH
    for row in conn.execute(sa.select(audit_log).order_by(audit_log.c.entry_id)).mappings():
        follows = row["entry_id"] == number + 1 and row["previous_hash"] == previous
        if not follows or row["hash"] != _hash(row):
            wrong.append(row["entry_id"])
        number, previous = row["entry_id"], row["hash"]
    return wrong


def _hash(entry: Mapping) -> str:
    content = _canonical(
        {
            "entry_id": entry["entry_id"],
            "recorded_at": written(entry["recorded_at"]),
            "actor": entry["actor"],
            "action": entry["action"],
            "subject": entry["subject"],
            "detail": entry["detail"],
        }
    )
    return hashlib.sha256((entry["previous_hash"] + content).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
