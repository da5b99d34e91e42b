"""The audit log: who did what, append-only, each entry chained to the one before it.

hash = sha256(hash of the entry before + canonical JSON of this one). A changed, removed, inserted or
reordered entry breaks the chain from there on. Entries cut off at the end, and a chain that was computed anew,
leave no trace in the chain itself: `faults` holds it against the heads noted outside (heads.py, a backup).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from etl.ledger.heads import Head
from etl.ledger.schema import AUDITED, FIRST_HASH, audit_log, written
from etl.periods import now

# Entries with a wrong hash are held against each other's places, to tell which were exchanged; so many at most.
COMPARED = 200


@dataclass(frozen=True)
class Fault:
    """What does not hold, at which entry. `what` is a Chinese clause and holds no figure of a unit."""

    entry_id: int
    what: str


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
    conn.info[AUDITED] = True
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
    for row, is_own in _walk(conn):
        if row["entry_id"] != number + 1 or row["previous_hash"] != previous or not is_own:
            wrong.append(row["entry_id"])
        number, previous = row["entry_id"], row["hash"]
    return wrong


def faults(conn: sa.Connection, noted: Iterable[Head] = ()) -> list[Fault]:
    """What does not hold: in the chain, and of the chain against heads that were noted outside. Empty: all holds."""
    found: list[Fault] = []
    altered: list[dict[str, Any]] = []
    heads: dict[int, list[Head]] = {}
    for head_ in noted:
        heads.setdefault(head_.number, []).append(head_)
    number, previous = 0, FIRST_HASH
    for row, is_own in _walk(conn):
        entry = row["entry_id"]
        if entry > number + 1:
            found.append(Fault(number + 1, f"{_span(number + 1, entry - 1)}缺失"))
        elif entry <= number or (row["previous_hash"] != previous and is_own):
            found.append(Fault(entry, f"第{entry}条与前一条不衔接"))
        if not is_own:
            altered.append(row)
        found += _differing(heads.pop(entry, ()), entry, row["hash"])
        number, previous = entry, row["hash"]
    found += _differing(heads.pop(0, ()), 0, FIRST_HASH)
    found += _moved_or_changed(altered)
    beyond = [head_ for entry, many in heads.items() if entry > number for head_ in many]
    if beyond:
        last = max(beyond, key=lambda one: one.number)
        found.append(Fault(number + 1, f"末尾{_span(number + 1, last.number)}被截去（{last.place}记着）"))
    return sorted(found, key=lambda one: one.entry_id)


def _differing(noted: Iterable[Head], entry: int, hash_: str) -> list[Fault]:
    wrong = next((one for one in noted if one.hash != hash_), None)
    return [Fault(entry, f"第{entry}条与台账外记下的不同（{wrong.place}）")] if wrong else []


def _moved_or_changed(altered: list[dict[str, Any]]) -> Iterator[Fault]:
    """Of entries with a wrong hash: which stand in another's place (exchanged, or moved by one put in)."""
    numbers = [row["entry_id"] for row in altered[:COMPARED]]
    for row in altered:
        here = row["entry_id"]
        places = numbers if here in numbers else [here - 1, here + 1]
        origin = next(
            (one for one in (here - 1, *places) if one != here and _holds(row | {"entry_id": one})), None
        )
        yield Fault(
            here, f"第{here}条原是第{origin}条（被调换，或前面被插入）" if origin else f"第{here}条被改动"
        )


def _span(first: int, last: int) -> str:
    return f"第{first}条" if first == last else f"第{first}至{last}条"


def _walk(conn: sa.Connection) -> Iterator[tuple[dict[str, Any], bool]]:
    """Each entry in order, and whether its hash is its own."""
    raw = sa.type_coerce(audit_log.c.recorded_at, sa.Text if conn.dialect.name == "sqlite" else sa.DateTime)
    columns = [raw.label(c.name) if c is audit_log.c.recorded_at else c for c in audit_log.c]
    for row in conn.execute(sa.select(*columns).order_by(audit_log.c.entry_id)).mappings():
        yield dict(row), _holds(row)


def _holds(row: Mapping[str, Any]) -> bool:
    moment = row["recorded_at"]
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        return row["hash"] == _hash({**row, "recorded_at": moment})
    except (TypeError, ValueError):
        # A moment that is none, or bytes where text belongs: no program wrote that.
        return False


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
