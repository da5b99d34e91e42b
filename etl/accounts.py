"""Who may come in: accounts, passwords, sessions, and looking as somebody else.

A password is kept as an argon2id hash, a session's token as its sha256: neither can be read back. What is
asked of a password follows OWASP ASVS 5.0 V6.2: length, not the name, none of the last ones, none that anybody
would try; no rule about which characters. An unknown name costs the same time as a wrong password and is locked
like one, so that nobody learns which names exist.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from etl.ledger import accounts as rows
from etl.ledger import audit
from etl.ledger.accounts import Account, Failures, Kept, State
from etl.ledger.registry import unit_codes, unit_name
from etl.ledger.schema import reading
from etl.periods import now
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed, Role
from etl.warehouse.scope import Scope

__all__ = ["Account", "State"]

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
IDLE_VARIABLE = "RAILSHIFT_IDLE_MINUTES"
IDLE_MINUTES = 30
LASTS = timedelta(hours=12)
# A session's last moment is written once a minute, not at each look.
SEEN_EVERY = timedelta(minutes=1)
LEAST_LENGTH, MOST_LENGTH = 12, 128
KEPT_PASSWORDS = 5
FIRST_PASSWORD_DAYS = 7
# Without letters that are taken for one another when read out; four groups of four are 78 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_NAME = re.compile(r"[\w.@-]{2,64}")
# Of the passwords that are tried first, those that are long enough to pass otherwise.
_COMMON = frozenset(
    {
        "password1234", "password12345", "password123456", "passwordpassword", "passw0rd1234",
        "p@ssw0rd1234", "p@ssword1234", "administrator", "administrator1", "administrator123",
        "adminadmin123", "admin1234567", "admin123456789", "qwertyuiop12", "qwertyuiop123", "qwerty123456",
        "qwerty1234567", "qwertyuiopasdf", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "qazwsxedcrfv",
        "1q2w3e4r5t6y", "1q2w3e4r5t6y7u", "zxcvbnm12345", "asdfghjkl123", "asdfghjkl1234", "abc123456789",
        "abcd12345678", "a12345678910", "iloveyou1234", "woaini1314520", "5201314520131", "woaini520131",
        "welcome12345", "changeme1234", "letmein12345", "railshift123", "railshift1234", "railshift2026",
        "gongzhuantie", "gongzhuantie1", "xinzhou12345", "xinzhou123456", "jiaotongju123", "jiaotong1234",
        "huoyun123456", "tielu1234567",
    }
)  # fmt: skip
_ROWS_OF_KEYS = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")

WRONG = "账号或密码不正确。"
NO_ACCOUNT = "该身份没有对应的账号，请联系系统管理员。"
_NOW_CLOSED = {State.LOCKED: "账号已被锁定，请联系系统管理员。", State.OFF: "账号已停用，请联系系统管理员。"}
VIEWERS = frozenset({Role.ADMIN, Role.ANALYST})

_hasher = PasswordHasher()


class SignInRefused(Exception):
    """Nobody was let in; the message (Chinese) is for the sign-in page."""


class AccountRefused(Exception):
    """An account was not changed; the message (Chinese) says why and what to do."""


@dataclass(frozen=True)
class Session:
    """A signed-in browser. `scope`: what it sees now; that of `viewing` where it looks as somebody.

    `csrf` stands in each form that changes something. `must_change`: nothing but a new password may be set.
    """

    session_id: int
    account: Account
    scope: Scope
    csrf: str
    viewing: Account | None
    must_change: bool


@dataclass(frozen=True)
class Listed:
    """An account with what stands around it now. `sessions`: how many browsers are signed in."""

    account: Account
    locked_until: datetime | None
    sessions: int


@dataclass(frozen=True)
class Identity:
    """Whom an OIDC provider has vouched for. `email` only counts where the provider has verified it."""

    issuer: str
    subject: str
    email: str = ""


# ------------------------------------------------------------------------------------------------- passwords


def normal(name: str) -> str:
    """A login name in its one spelling."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def objection(password: str, name: str) -> str:
    """Why a password is not taken, in one sentence; '' = it is."""
    plain = password.casefold()
    if len(password) < LEAST_LENGTH:
        return f"密码至少{LEAST_LENGTH}位。"
    if len(password) > MOST_LENGTH:
        return f"密码最多{MOST_LENGTH}位。"
    if name and name in plain:
        return "密码不能包含账号名。"
    is_repeated = any(
        plain == (plain[:size] * len(plain))[: len(plain)] for size in range(1, len(plain) // 2 + 1)
    )
    if plain in _COMMON or is_repeated or any(plain in row or plain in row[::-1] for row in _ROWS_OF_KEYS):
        return "这个密码太常见，请换一个别人想不到的。"
    return ""


def first_password() -> str:
    """A password to begin with, easy to read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def _matches(hash_: str, password: str) -> bool:
    try:
        return _hasher.verify(hash_, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


# --------------------------------------------------------------------------------------------------- sign-in


def sign_in(work: Workplace, name: str, password: str) -> str:
    """A new session's token. Errors: SignInRefused."""
    moment, name = now(), normal(name)
    nobodys = _nobodys_hash()
    # Counted before the password is looked at: many tries at once are no more than as many in a row.
    with work.ledger.begin() as conn:
        tried = _count(conn, name, moment)
        account = rows.find(conn, name)
        hashes = rows.passwords(conn, account.account_id) if account else []
    if tried.locked_until and tried.count > MOST_FAILURES:
        raise SignInRefused(_locked_sentence(tried.locked_until))
    is_right = _matches(hashes[0] if hashes else nobodys, password)
    if account is None or not hashes or not is_right:
        with work.ledger.begin() as conn:
            # Of a name that is none only that much: it may be a password in the wrong place.
            said = account.name if account else "未知账号"
            audit.append(conn, said, "登录失败", _subject(account), {"原因": "密码不符", "次数": tried.count})
            if tried.locked_until:
                audit.append(
                    conn,
                    said,
                    "暂停登录",
                    _subject(account),
                    {"至": tried.locked_until.isoformat("T", "seconds")},
                )
        raise SignInRefused(_locked_sentence(tried.locked_until) if tried.locked_until else WRONG)
    return _let_in(work, account, "密码", moment, password)


def sign_in_as(work: Workplace, identity: Identity) -> str:
    """A new session's token for whom a provider has vouched for. Errors: SignInRefused without an account."""
    with reading(work.ledger) as conn:
        account = rows.bound_to(conn, identity.issuer, identity.subject, identity.email.casefold())
    if account is None:
        with work.ledger.begin() as conn:
            audit.append(conn, "未知账号", "登录失败", "account", {"原因": "身份未绑定账号"})
        raise SignInRefused(NO_ACCOUNT)
    return _let_in(work, account, "统一身份认证", now())


def demonstrate(work: Workplace, scope: Scope) -> str:
    """A session's token in the demonstration, where the role is chosen and no password asked.

    Errors: SignInRefused in any folder but the demonstration's.
    """
    if not work.declared.is_demo:
        raise SignInRefused("只有演示数据可以不用密码登录。")
    name = normal(f"{scope.role}-{scope.label}")
    values = {
        "role": scope.role, "display_name": scope.label, "counties": scope.counties or frozenset(),
        "units": scope.units or frozenset(),
        "department": scope.label if scope.role is Role.DEPARTMENT else "",
    }  # fmt: skip
    with work.ledger.begin() as conn:
        account = rows.find(conn, name)
        if account is None:
            number = rows.add(conn, {**values, "name": name, "state": State.ACTIVE, "recorded_at": now()})
            account = rows.get(conn, number)
            audit.append(conn, "演示登录", "新增账号", _subject(account), {"账号": name})
        elif any(getattr(account, field) != value for field, value in values.items()):
            rows.change(conn, account.account_id, values)
            account = rows.get(conn, account.account_id)
    return _let_in(work, account, "演示", now())


def _count(conn: sa.Connection, name: str, moment: datetime) -> Failures:
    """One more try under a name. While it is locked nothing is counted on, so that the lock has an end."""
    key = _sha256(name)
    before = rows.failures(conn, key)
    if before.locked_until and moment < before.locked_until:
        return Failures(MOST_FAILURES + 1, before.locked_until)
    count = (0 if before.locked_until else before.count) + 1
    tried = Failures(count, moment + LOCKED_FOR if count >= MOST_FAILURES else None)
    rows.keep_failures(conn, key, tried, moment)
    return tried


def _locked_sentence(until: datetime) -> str:
    return f"连续{MOST_FAILURES}次输错密码，暂停登录到{until:%H:%M}。请稍后再试，或请系统管理员解锁。"


def _let_in(work: Workplace, account: Account, way: str, moment: datetime, password: str = "") -> str:
    with work.ledger.begin() as conn:
        # As it stands now: it may have been switched off while the password was looked at.
        account = rows.get(conn, account.account_id)
        is_stale = account.password_expires_on is not None and account.password_expires_on < moment.date()
        closed = _closed(account, moment.date())
        if not closed and password and is_stale and account.must_change:
            closed = "首次密码已过期，请联系系统管理员重新设置。"
        rows.keep_failures(conn, _sha256(account.name), Failures(0, None), moment)
        if closed:
            audit.append(conn, account.name, "登录失败", _subject(account), {"原因": closed})
        else:
            values: dict[str, Any] = {"last_sign_in_at": moment}
            if password and is_stale:
                values["must_change"] = True
            if password and _hasher.check_needs_rehash(rows.passwords(conn, account.account_id)[0]):
                values["password_hash"] = _hasher.hash(password)
            rows.change(conn, account.account_id, values)
            token = _open(conn, account, way, moment)
            audit.append(conn, account.name, "登录", _subject(account), {"方式": way})
    if closed:
        raise SignInRefused(closed)
    return token


def _closed(account: Account, day: date) -> str:
    """Why an account does not open anything, in a sentence; '' = it does."""
    if account.state is not State.ACTIVE:
        return _NOW_CLOSED[account.state]
    if account.expires_on is not None and account.expires_on < day:
        return "账号已过有效期，请联系系统管理员。"
    return ""


def _open(conn: sa.Connection, account: Account, way: str, moment: datetime) -> str:
    token = secrets.token_urlsafe(32)
    rows.open_session(conn, _sha256(token), account.account_id, way, moment)
    return token


# -------------------------------------------------------------------------------------------------- sessions


def session_of(work: Workplace, token: str | None) -> Session | None:
    """The session of a token, as the ledger has it this moment.

    Empty: None = never begun, ended, too long idle or too old, or its account is closed.
    """
    if not token:
        return None
    moment = now()
    with reading(work.ledger) as conn:
        kept = rows.session_by(conn, _sha256(token))
        if kept is None or not _lives(kept, moment):
            return None
        account = rows.get(conn, kept.account_id)
        viewing = rows.get(conn, kept.viewing_id) if kept.viewing_id is not None else None
        scope = scope_of(work, conn, viewing or account, is_read_only=viewing is not None)
    if _closed(account, moment.date()):
        return None
    if moment - kept.seen_at >= SEEN_EVERY:
        # Not an act of whoever is signed in: also somebody who only looks is seen.
        with work.ledger.execution_options(railshift_unguarded=True).begin() as conn:
            rows.seen(conn, kept.session_id, moment)
    return Session(
        kept.session_id,
        account,
        scope,
        hmac.new(token.encode(), b"form", hashlib.sha256).hexdigest(),
        viewing,
        account.must_change and kept.way == "密码",
    )


def sign_out(work: Workplace, token: str | None, why: str = "退出") -> None:
    """End a session. Nothing happens where there is none."""
    if not token:
        return
    with work.ledger.begin() as conn:
        kept = rows.session_by(conn, _sha256(token))
        if kept is not None:
            account = rows.get(conn, kept.account_id)
            rows.end(conn, [kept.session_id], why, now())
            audit.append(conn, account.name, why, _subject(account), {})


def change_password(work: Workplace, token: str, old: str, new: str) -> str:
    """Set one's own password; every session of the account ends and a new one begins: its token.

    Errors: AccountRefused where the old one is wrong or the new one not good enough; SignInRefused where the
    session is over or too many wrong old ones have ended it.
    """
    moment, session = now(), session_of(work, token)
    if session is None:
        raise SignInRefused("登录已结束，请重新登录。")
    account = session.account
    with work.ledger.begin() as conn:
        tried = _count(conn, account.name, moment)
        hashes = rows.passwords(conn, account.account_id)
    if not hashes:
        raise AccountRefused("本账号通过统一身份认证登录，没有密码可改。")
    if tried.count > MOST_FAILURES or not _matches(hashes[0], old):
        with work.ledger.begin() as conn:
            audit.append(conn, account.name, "更换密码未成", _subject(account), {"原因": "原密码不符"})
            if tried.locked_until:
                _end_all(conn, account, "原密码多次不符", moment)
        if tried.locked_until:
            raise SignInRefused(_locked_sentence(tried.locked_until))
        raise AccountRefused("原密码不正确。")
    said = objection(new, account.name)
    if not said and any(_matches(past, new) for past in hashes[:KEPT_PASSWORDS]):
        said = f"不能使用最近{KEPT_PASSWORDS}次用过的密码。"
    hash_ = "" if said else _hasher.hash(new)
    with work.ledger.begin() as conn:
        rows.keep_failures(conn, _sha256(account.name), Failures(0, None), moment)
        if hash_:
            _set_password(conn, account, hash_, hashes, must_change=False, expires_on=None)
            _end_all(conn, account, "更换密码", moment)
            token = _open(conn, account, "密码", moment)
            audit.append(conn, account.name, "更换密码", _subject(account), {})
    if said:
        raise AccountRefused(said)
    return token


def view_as(work: Workplace, token: str, name: str) -> None:
    """Look as another account, without acting for it. Errors: NotAllowed, AccountRefused, SignInRefused."""
    session = session_of(work, token)
    if session is None:
        raise SignInRefused("登录已结束，请重新登录。")
    if session.account.role not in VIEWERS:
        raise NotAllowed("只有系统管理员和市级审核人可以以他人身份查看。")
    with work.ledger.begin() as conn:
        other = _named(conn, name)
        if other.role is Role.ADMIN or other.account_id == session.account.account_id:
            raise NotAllowed("不能以系统管理员或自己的身份查看。")
        rows.look_as(conn, session.session_id, other.account_id)
        audit.append(conn, session.account.name, "以他人身份查看", _subject(other), {"账号": other.name})


def end_view(work: Workplace, token: str) -> None:
    """See as oneself again. Nothing happens where nobody is looked as."""
    session = session_of(work, token)
    if session is None or session.viewing is None:
        return
    with work.ledger.begin() as conn:
        rows.look_as(conn, session.session_id, None)
        other = session.viewing
        audit.append(conn, session.account.name, "结束以他人身份查看", _subject(other), {"账号": other.name})


def scope_of(work: Workplace, conn: sa.Connection, account: Account, *, is_read_only: bool = False) -> Scope:
    """What an account sees. An enterprise without units, a county without a county: nothing of either.

    The pages name the scope after its place, not after the person.
    """
    # The demonstration's accounts are named after what they show.
    is_shown = account.name == normal(f"{account.role}-{account.display_name}")
    return Scope(
        account.role,
        account.display_name if is_shown else _label(work, conn, account),
        account.counties if account.role is Role.COUNTY else None,
        account.units if account.role is Role.ENTERPRISE else None,
        account="" if is_shown else account.name,
        is_read_only=is_read_only,
    )


def _label(work: Workplace, conn: sa.Connection, account: Account) -> str:
    if account.role is Role.DEPARTMENT:
        return account.department
    if account.role is Role.COUNTY and account.counties:
        names = work.declared.county_names
        return "、".join(names.get(code, code) for code in sorted(account.counties))
    if account.role is Role.ENTERPRISE and account.units:
        first = unit_name(conn, min(account.units))
        return first if len(account.units) == 1 else f"{first}等{len(account.units)}个填报单位"
    return account.display_name


def _lives(kept: Kept, moment: datetime) -> bool:
    return moment - kept.seen_at < idle_time() and moment - kept.began_at < LASTS


def idle_time() -> timedelta:
    """How long a session may rest: RAILSHIFT_IDLE_MINUTES, else 30 minutes."""
    said = os.environ.get(IDLE_VARIABLE, "")
    return timedelta(minutes=int(said) if said.isdecimal() and int(said) > 0 else IDLE_MINUTES)


# --------------------------------------------------------------------------------------- keeping the accounts


def listed(work: Workplace, actor: Actor) -> list[Listed]:
    """All accounts by name. Errors: NotAllowed for a role that neither keeps them nor looks as them."""
    if actor.role not in VIEWERS:
        raise NotAllowed("账号由系统管理员维护。")
    moment = now()
    with reading(work.ledger) as conn:
        live = [kept.account_id for kept in rows.open_sessions(conn) if _lives(kept, moment)]
        found = []
        for account in rows.every(conn):
            until = rows.failures(conn, _sha256(account.name)).locked_until
            found.append(
                Listed(account, until if until and moment < until else None, live.count(account.account_id))
            )
    return found


def can_serve(work: Workplace) -> bool:
    """There is an administrator who can come in."""
    with reading(work.ledger) as conn:
        return any(_is_usable_admin(work, account) for account in rows.every(conn))


def add(
    work: Workplace,
    name: str,
    role: Role,
    actor: Actor,
    *,
    display_name: str = "",
    counties: frozenset[str] = frozenset(),
    units: frozenset[str] = frozenset(),
    department: str = "",
    expires_on: date | None = None,
    password: str = "",
) -> str:
    """A new account; returns its first password, which has to be changed within seven days.

    `password`: one that was typed instead, which need not. Errors: NotAllowed, AccountRefused.
    """
    _check_keeper(actor)
    name = normal(name)
    if not _NAME.fullmatch(name):
        raise AccountRefused("账号名为2至64个字母、数字、汉字或 . _ - @。")
    if password and (said := objection(password, name)):
        raise AccountRefused(said)
    first = password or first_password()
    values: dict[str, Any] = {
        "name": name, "display_name": display_name.strip() or name, "role": role, "counties": counties,
        "units": units, "department": department.strip(), "state": State.ACTIVE, "expires_on": expires_on,
        "password_hash": _hasher.hash(first), "must_change": not password, "recorded_at": now(),
        "password_expires_on": None if password else now().date() + timedelta(days=FIRST_PASSWORD_DAYS),
    }  # fmt: skip
    with work.ledger.begin() as conn:
        _check_place(work, conn, role, counties, units, department)
        if rows.find(conn, name) is not None:
            raise AccountRefused(f"账号{name}已经存在。")
        number = rows.add(conn, values)
        said_of = {field: values[field] for field in ("name", "display_name", "expires_on")}
        audit.append(
            conn, actor.name, "新增账号", f"account:{number}",
            _told(said_of | {"role": role, "counties": counties, "units": units, "department": department}),
        )  # fmt: skip
    return first


def change(
    work: Workplace,
    name: str,
    actor: Actor,
    *,
    role: Role,
    display_name: str,
    counties: frozenset[str] = frozenset(),
    units: frozenset[str] = frozenset(),
    department: str = "",
    expires_on: date | None = None,
) -> None:
    """Set what an account is and sees; its sessions end where that changed. Errors: NotAllowed, AccountRefused."""
    _check_keeper(actor)
    values: dict[str, Any] = {
        "role": role, "display_name": display_name.strip() or normal(name), "counties": counties,
        "units": units, "department": department.strip(), "expires_on": expires_on,
    }  # fmt: skip
    with work.ledger.begin() as conn:
        account = _named(conn, name)
        changed = {field: value for field, value in values.items() if getattr(account, field) != value}
        if not changed:
            return
        _check_place(work, conn, role, counties, units, department)
        rows.change(conn, account.account_id, changed)
        _check_some_admin(work, conn, account)
        audit.append(conn, actor.name, "变更账号", _subject(account), _told(changed))
        _end_all(conn, account, "账号变更", now())


def set_state(work: Workplace, name: str, state: State, actor: Actor) -> None:
    """Lock, switch off or open an account; opening also ends a lock after wrong passwords.

    Errors: NotAllowed, AccountRefused for the last administrator.
    """
    _check_keeper(actor)
    moment = now()
    with work.ledger.begin() as conn:
        account = _named(conn, name)
        if state is State.ACTIVE:
            rows.keep_failures(conn, _sha256(account.name), Failures(0, None), moment)
        rows.change(conn, account.account_id, {"state": state})
        _check_some_admin(work, conn, account)
        audit.append(conn, actor.name, f"账号改为{state}", _subject(account), {"账号": account.name})
        if state is not State.ACTIVE:
            _end_all(conn, account, f"账号{state}", moment)


def new_password(work: Workplace, name: str, actor: Actor, password: str = "") -> str:
    """A new first password for an account, or the one that was typed; its sessions end.

    Errors: NotAllowed, AccountRefused.
    """
    _check_keeper(actor)
    if password and (said := objection(password, normal(name))):
        raise AccountRefused(said)
    first, moment = password or first_password(), now()
    hash_ = _hasher.hash(first)
    with work.ledger.begin() as conn:
        account = _named(conn, name)
        _set_password(
            conn, account, hash_, rows.passwords(conn, account.account_id), must_change=not password,
            expires_on=None if password else moment.date() + timedelta(days=FIRST_PASSWORD_DAYS),
        )  # fmt: skip
        rows.keep_failures(conn, _sha256(account.name), Failures(0, None), moment)
        audit.append(conn, actor.name, "重置密码", _subject(account), {"账号": account.name})
        _end_all(conn, account, "重置密码", moment)
    return first


def bind(
    work: Workplace, name: str, actor: Actor, *, issuer: str = "", subject: str = "", email: str = ""
) -> None:
    """Let an identity of a provider in as an account, known by its subject or by its verified e-mail.

    All empty: nobody any more. Errors: NotAllowed, AccountRefused.
    """
    _check_keeper(actor)
    issuer, subject, email = issuer.strip(), subject.strip(), email.strip().casefold()
    if (subject or email) and not issuer:
        raise AccountRefused("请写明身份认证服务的 issuer。")
    with work.ledger.begin() as conn:
        account = _named(conn, name)
        other = rows.bound_to(conn, issuer, subject, email) if issuer else None
        if other is not None and other.account_id != account.account_id:
            raise AccountRefused(f"该身份已绑定账号{other.name}。")
        values = {
            "oidc_issuer": issuer if subject or email else "",
            "oidc_subject": subject,
            "oidc_email": email,
        }
        rows.change(conn, account.account_id, values)
        audit.append(conn, actor.name, "绑定身份", _subject(account), {"账号": account.name, **values})
        _end_all(conn, account, "绑定身份", now())


def end_sessions(work: Workplace, name: str, actor: Actor) -> int:
    """Sign an account out everywhere; returns how many sessions ended. Errors: NotAllowed, AccountRefused."""
    _check_keeper(actor)
    with work.ledger.begin() as conn:
        account = _named(conn, name)
        count = _end_all(conn, account, "管理员结束", now())
        audit.append(conn, actor.name, "结束会话", _subject(account), {"账号": account.name, "个数": count})
    return count


def _end_all(conn: sa.Connection, account: Account, why: str, moment: datetime) -> int:
    """End the sessions of an account and those that look as it."""
    number = account.account_id
    ending = [kept for kept in rows.open_sessions(conn) if number in (kept.account_id, kept.viewing_id)]
    rows.end(conn, [kept.session_id for kept in ending], why, moment)
    return sum(kept.account_id == number and _lives(kept, moment) for kept in ending)


def _set_password(
    conn: sa.Connection,
    account: Account,
    hash_: str,
    before: list[str],
    *,
    must_change: bool,
    expires_on: date | None,
) -> None:
    values = {
        "password_hash": hash_, "past_hashes": before[: KEPT_PASSWORDS - 1], "must_change": must_change,
        "password_expires_on": expires_on,
    }  # fmt: skip
    rows.change(conn, account.account_id, values)


def _check_keeper(actor: Actor) -> None:
    if actor.role is not Role.ADMIN:
        raise NotAllowed("账号由系统管理员维护。")


def _check_place(
    work: Workplace,
    conn: sa.Connection,
    role: Role,
    counties: frozenset[str],
    units: frozenset[str],
    department: str,
) -> None:
    """A role that is bound to a place needs one, and one that exists."""
    if role is Role.ENTERPRISE:
        if not units:
            raise AccountRefused("企业账号须指定至少一个填报单位。")
        known = unit_codes(conn, work.today)
        if unknown := sorted(code for code in units if known.get(code) != code):
            raise AccountRefused(f"名录中没有填报单位编码{'、'.join(unknown)}。")
    if role is Role.COUNTY:
        if not counties:
            raise AccountRefused("县区账号须指定至少一个县区。")
        if unknown := sorted(counties - set(work.declared.county_names)):
            raise AccountRefused(f"没有县区代码{'、'.join(unknown)}。")
    if role is Role.DEPARTMENT and not department.strip():
        raise AccountRefused("部门账号须写明部门名称（与任务清单的责任单位一致）。")


def _check_some_admin(work: Workplace, conn: sa.Connection, before: Account) -> None:
    """Errors: AccountRefused where the change leaves nobody who could undo it."""
    if _is_usable_admin(work, before) and not any(_is_usable_admin(work, one) for one in rows.every(conn)):
        raise AccountRefused("这是最后一个可用的管理账号，请先新增另一个。")


def _is_usable_admin(work: Workplace, account: Account) -> bool:
    comes_in = account.has_password or account.is_bound or work.declared.is_demo
    return account.role is Role.ADMIN and comes_in and not _closed(account, now().date())


def _named(conn: sa.Connection, name: str) -> Account:
    account = rows.find(conn, normal(name))
    if account is None:
        raise AccountRefused(f"没有账号{normal(name)}。")
    return account


def _subject(account: Account | None) -> str:
    return f"account:{account.account_id}" if account else "account"


def _told(values: dict[str, Any]) -> dict[str, object]:
    """Values as the audit log can keep them."""
    return {
        field: sorted(value) if isinstance(value, frozenset) else None if value is None else str(value)
        for field, value in values.items()
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
