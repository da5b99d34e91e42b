"""Accounts, sessions and failed sign-ins as the ledger keeps them.

What may be done to them, by whom, and what a password must be is decided in `etl.accounts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from etl.ledger.schema import account, add_row, session, sign_in_failure
from etl.roles import Role

# What is older says nothing any more: the audit log keeps who came and went.
_KEPT_SESSIONS = timedelta(days=30)
_KEPT_FAILURES = timedelta(days=1)


class State(StrEnum):
    ACTIVE = "正常"
    LOCKED = "锁定"
    OFF = "停用"


@dataclass(frozen=True)
class Account:
    """`name` is what is typed to sign in. Dates are the last good days; None = without end.

    `counties`, `units`, `department`: where the role acts; each counts for the roles that have one. Nothing of a
    password stands here. Empty: '' in the oidc fields = not bound; `last_sign_in_at` None = never came.
    """

    account_id: int
    name: str
    display_name: str
    role: Role
    counties: frozenset[str]
    units: frozenset[str]
    department: str
    state: State
    expires_on: date | None
    password_expires_on: date | None
    must_change: bool
    has_password: bool
    oidc_issuer: str
    oidc_subject: str
    oidc_email: str
    last_sign_in_at: datetime | None

    @property
    def is_bound(self) -> bool:
        return bool(self.oidc_subject or self.oidc_email)


@dataclass(frozen=True)
class Kept:
    """A session's row. `viewing_id`: the account that it looks as, None = its own."""

    session_id: int
    account_id: int
    viewing_id: int | None
    way: str
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Failures:
    """Wrong passwords in a row under one name; `locked_until` None = it may be tried."""

    count: int
    locked_until: datetime | None


# ------------------------------------------------------------------------------------------------ accounts


def every(conn: sa.Connection) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in conn.execute(sa.select(account).order_by(account.c.name)).mappings()]


def find(conn: sa.Connection, name: str) -> Account | None:
    return _one(conn, account.c.name == name)


def get(conn: sa.Connection, account_id: int) -> Account:
    """Errors: LookupError for a number that no account has."""
    found = _one(conn, account.c.account_id == account_id)
    if found is None:
        raise LookupError(account_id)
    return found


def bound_to(conn: sa.Connection, issuer: str, subject: str, email: str) -> Account | None:
    """The account of an identity: by issuer and subject, else by the e-mail ('' = not verified)."""
    by_subject = (account.c.oidc_issuer == issuer) & (account.c.oidc_subject == subject)
    found = _one(conn, by_subject) if subject else None
    if found is None and email:
        by_email = (account.c.oidc_issuer == issuer) & (account.c.oidc_email == email)
        found = _one(conn, by_email & (account.c.oidc_subject == ""))
    return found


def passwords(conn: sa.Connection, account_id: int) -> list[str]:
    """Hashes of the password in force and of those before it, newest first. Empty: none was set."""
    row = conn.execute(
        sa.select(account.c.password_hash, account.c.past_hashes).where(account.c.account_id == account_id)
    ).one()
    return [row.password_hash, *row.past_hashes] if row.password_hash else []


def add(conn: sa.Connection, values: Mapping[str, Any]) -> int:
    """A new account; returns its number."""
    return add_row(conn, account, {"past_hashes": [], **_stored(values)})


def change(conn: sa.Connection, account_id: int, values: Mapping[str, Any]) -> None:
    conn.execute(sa.update(account).where(account.c.account_id == account_id).values(_stored(values)))


def _one(conn: sa.Connection, condition: sa.ColumnElement[bool]) -> Account | None:
    row = conn.execute(sa.select(account).where(condition).order_by(account.c.account_id)).mappings().first()
    return None if row is None else _account(row)


def _account(row: Mapping[str, Any]) -> Account:
    values: dict[str, Any] = {name: row[name] for name in Account.__dataclass_fields__ if name in row}
    values["role"], values["state"] = Role(row["role"]), State(row["state"])
    values["counties"], values["units"] = frozenset(row["counties"]), frozenset(row["units"])
    return Account(**values, has_password=bool(row["password_hash"]))


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: sorted(value)
        if isinstance(value, frozenset)
        else str(value)
        if isinstance(value, StrEnum)
        else value
        for name, value in values.items()
    }


# ------------------------------------------------------------------------------------------------ sessions


def open_session(conn: sa.Connection, token_sha256: str, account_id: int, way: str, moment: datetime) -> None:
    """Begin a session; those long past are forgotten."""
    conn.execute(sa.delete(session).where(session.c.recorded_at < moment - _KEPT_SESSIONS))
    add_row(
        conn,
        session,
        {
            "token_sha256": token_sha256, "account_id": account_id, "way": way, "recorded_at": moment,
            "seen_at": moment,
        },
    )  # fmt: skip


def session_by(conn: sa.Connection, token_sha256: str) -> Kept | None:
    """The session of a token that nobody has ended; whether its time is over is not asked here."""
    row = conn.execute(
        sa.select(session).where(session.c.token_sha256 == token_sha256, session.c.ended_at.is_(None))
    ).first()
    return None if row is None else _kept(row)


def open_sessions(conn: sa.Connection) -> list[Kept]:
    """The sessions that nobody has ended, oldest first."""
    query = sa.select(session).where(session.c.ended_at.is_(None)).order_by(session.c.session_id)
    return [_kept(row) for row in conn.execute(query)]


def seen(conn: sa.Connection, session_id: int, moment: datetime) -> None:
    conn.execute(sa.update(session).where(session.c.session_id == session_id).values(seen_at=moment))


def look_as(conn: sa.Connection, session_id: int, viewing_id: int | None) -> None:
    conn.execute(sa.update(session).where(session.c.session_id == session_id).values(viewing_id=viewing_id))


def end(conn: sa.Connection, sessions: Sequence[int], why: str, moment: datetime) -> None:
    conn.execute(
        sa.update(session)
        .where(session.c.session_id.in_(sessions), session.c.ended_at.is_(None))
        .values(ended_at=moment, ended_by=why)
    )


def _kept(row: Any) -> Kept:
    return Kept(row.session_id, row.account_id, row.viewing_id, row.way, row.recorded_at, row.seen_at)


# ------------------------------------------------------------------------------------------ wrong passwords


def failures(conn: sa.Connection, name_sha256: str) -> Failures:
    """What was tried under a name. Empty: nothing, count 0."""
    found = conn.execute(
        sa.select(sign_in_failure).where(sign_in_failure.c.name_sha256 == name_sha256)
    ).first()
    return Failures(found.failures, found.locked_until) if found else Failures(0, None)


def keep_failures(conn: sa.Connection, name_sha256: str, tried: Failures, moment: datetime) -> None:
    """Write what was tried under a name; names that nobody has tried for a day are forgotten."""
    forgotten = sign_in_failure.c.recorded_at < moment - _KEPT_FAILURES
    conn.execute(sa.delete(sign_in_failure).where(forgotten | (sign_in_failure.c.name_sha256 == name_sha256)))
    if tried.count:
        add_row(
            conn,
            sign_in_failure,
            {
                "name_sha256": name_sha256, "failures": tried.count, "locked_until": tried.locked_until,
                "recorded_at": moment,
            },
        )  # fmt: skip
