"""Accounts at their bounds: the fifth wrong password, a lock's end, the last good day, a session's last minute."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY

from etl import accounts
from etl.accounts import AccountRefused, Identity, SignInRefused, State
from etl.ledger import schema, tables
from etl.ledger.schema import open_ledger, reading
from etl.periods import SHANGHAI
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import Actor, NotAllowed, Role
from etl.warehouse.scope import Scope

DATA = Path(__file__).parents[2] / "data"
START = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
ADMIN = Actor("命令行", Role.ADMIN)
GOOD, OTHER = "correct horse battery", "another good phrase"
UNIT = {
    "unit_code": "U1", "uscc": "C1", "name": "甲矿", "county_code": "140925", "kind": "工矿企业", "is_large": "是",
}  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def on(self, **passed: float) -> None:
        self.moment += timedelta(**passed)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ticking = Clock()
    monkeypatch.setattr(accounts, "now", ticking)
    # The same kind of hash at a hundredth of the cost.
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    accounts._nobodys_hash.cache_clear()
    return ticking


@pytest.fixture
def work(tmp_path: Path, clock: Clock) -> Iterator[Workplace]:
    made = Workplace(tmp_path, open_ledger(tmp_path), load_declared(DATA))
    with made.ledger.begin() as conn:
        tables.bring(conn, "registry", [UNIT], date(2020, 1, 1), "名录.csv", Actor("x", Role.ANALYST))
    accounts.add(made, "root", Role.ADMIN, ADMIN, password=GOOD)
    accounts.add(made, "Zhang.San", Role.ANALYST, ADMIN, display_name="张三", password=GOOD)
    yield made
    schema.guard_writers(lambda: None)
    accounts._nobodys_hash.cache_clear()


def log(work: Workplace) -> list[Any]:
    with reading(work.ledger) as conn:
        return list(conn.execute(sa.select(schema.audit_log).order_by(schema.audit_log.c.entry_id)))


def actions(work: Workplace) -> list[str]:
    return [entry.action for entry in log(work)]


def account(work: Workplace, name: str) -> accounts.Account:
    return next(one.account for one in accounts.listed(work, ADMIN) if one.account.name == name)


def refusal(work: Workplace, name: str, password: str) -> str:
    with pytest.raises(SignInRefused) as refused:
        accounts.sign_in(work, name, password)
    return str(refused.value)


# --------------------------------------------------------------------------------------------------- sign-in


def test_a_name_in_any_spelling_and_its_password_let_in(work):
    session = accounts.session_of(work, accounts.sign_in(work, " ＺＨＡＮＧ.san ", GOOD))
    assert session is not None
    assert session.scope == Scope(Role.ANALYST, "张三", account="zhang.san")
    assert session.scope.actor == "张三（zhang.san）"
    assert Actor.of(session.scope).name == "张三（zhang.san）"


def test_an_unknown_name_is_answered_as_a_wrong_password_and_costs_as_many_hashes(work, monkeypatch):
    asked: list[str] = []
    real = accounts._matches

    def watched(hash_: str, password: str) -> bool:
        asked.append(hash_)
        return real(hash_, password)

    monkeypatch.setattr(accounts, "_matches", watched)
    assert refusal(work, "zhang.san", "x") == refusal(work, "nobody", "x") == accounts.WRONG
    assert len(asked) == 2
    # One hash like the other: the same kind with the same costs.
    assert asked[0].rpartition("$")[0].rpartition("$")[0] == asked[1].rpartition("$")[0].rpartition("$")[0]
    assert asked[0].startswith("$argon2id$")


@pytest.mark.parametrize("name", ["zhang.san", "nobody"])
def test_the_fifth_wrong_password_locks_for_fifteen_minutes(work, clock, name):
    for _ in range(4):
        assert refusal(work, name, "x") == accounts.WRONG
    assert refusal(work, name, "x") == "连续5次输错密码，暂停登录到09:15。请稍后再试，或请系统管理员解锁。"
    clock.on(minutes=14, seconds=59)
    assert "09:15" in refusal(work, name, GOOD)
    clock.on(seconds=1)
    if name == "nobody":
        assert refusal(work, name, GOOD) == accounts.WRONG
    else:
        assert accounts.sign_in(work, name, GOOD)
        # Counted anew from here.
        for _ in range(4):
            assert refusal(work, name, "x") == accounts.WRONG


def test_a_right_password_before_the_fifth_wrong_one_begins_the_count_anew(work):
    for _ in range(2):
        for _ in range(4):
            refusal(work, "zhang.san", "x")
        assert accounts.sign_in(work, "zhang.san", GOOD)


def test_many_tries_at_once_are_no_more_than_many_in_a_row(work, monkeypatch):
    looked: list[str] = []
    monkeypatch.setattr(accounts, "_matches", lambda _hash, password: bool(looked.append(password)))
    threads = [threading.Thread(target=refusal, args=(work, "root", "x")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked) == accounts.MOST_FAILURES


def test_an_administrator_ends_the_lock(work):
    for _ in range(5):
        refusal(work, "zhang.san", "x")
    assert next(one for one in accounts.listed(work, ADMIN) if one.account.name == "zhang.san").locked_until
    accounts.set_state(work, "zhang.san", State.ACTIVE, ADMIN)
    assert accounts.sign_in(work, "zhang.san", GOOD)


@pytest.mark.parametrize(
    "state, said", [(State.LOCKED, "账号已被锁定"), (State.OFF, "账号已停用")]
)  # fmt: skip
def test_a_closed_account_says_so_to_whom_knows_its_password_only(work, state, said):
    accounts.set_state(work, "zhang.san", state, ADMIN)
    assert said in refusal(work, "zhang.san", GOOD)
    assert refusal(work, "zhang.san", "x") == accounts.WRONG


def test_an_account_is_good_on_its_last_day_and_not_on_the_next(work, clock):
    accounts.change(work, "zhang.san", ADMIN, role=Role.ANALYST, display_name="张三", expires_on=START.date())
    token = accounts.sign_in(work, "zhang.san", GOOD)
    clock.moment = START.replace(hour=23, minute=59)
    token = accounts.sign_in(work, "zhang.san", GOOD)
    assert accounts.session_of(work, token)
    clock.on(minutes=1)
    assert accounts.session_of(work, token) is None
    assert "有效期" in refusal(work, "zhang.san", GOOD)


def test_a_first_password_opens_only_its_own_change_for_seven_days(work, clock):
    first = accounts.new_password(work, "zhang.san", ADMIN)
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", first)
    clock.on(days=7)
    session = accounts.session_of(work, accounts.sign_in(work, "zhang.san", first))
    assert session is not None
    assert session.must_change
    clock.on(days=1)
    assert "首次密码已过期" in refusal(work, "zhang.san", first)


# ------------------------------------------------------------------------------------------------- passwords


def test_a_hash_costs_what_the_standard_asks():
    assert accounts._hasher.type is RFC_9106_LOW_MEMORY.type
    assert accounts._hasher.memory_cost >= RFC_9106_LOW_MEMORY.memory_cost
    assert accounts._hasher.time_cost >= RFC_9106_LOW_MEMORY.time_cost


@pytest.mark.parametrize(
    "password, said",
    [("elevenchars", "至少12位"), ("twelve chars", ""), ("长密码也可以用汉字写成十二", ""), ("x" * 129, "最多128位"),
     ("my zhang.san word", "账号名"), ("ZHANG.SAN-2026-x", "账号名"), ("Password1234", "太常见"),
     ("aaaaaaaaaaaa", "太常见"), ("abcabcabcabcab", "太常见"), ("123456789012", "太常见"),
     ("zyxwvutsrqponm", "太常见"), ("qwertyuiopas", "太常见"), ("nur kleine buchstaben", "")],
)  # fmt: skip
def test_what_a_password_may_be(password, said):
    found = accounts.objection(password, "zhang.san")
    assert (said in found) if said else found == ""


def test_a_changed_password_ends_every_session_and_begins_one(work):
    first, second = accounts.sign_in(work, "zhang.san", GOOD), accounts.sign_in(work, "zhang.san", GOOD)
    third = accounts.change_password(work, first, GOOD, OTHER)
    assert third not in (first, second)
    assert [accounts.session_of(work, token) is not None for token in (first, second, third)] == [
        False, False, True,
    ]  # fmt: skip
    assert refusal(work, "zhang.san", GOOD) == accounts.WRONG
    assert accounts.sign_in(work, "zhang.san", OTHER)


def test_the_last_five_passwords_are_not_taken_again(work):
    token, used = accounts.sign_in(work, "zhang.san", GOOD), [GOOD]
    for number in range(4):
        token = accounts.change_password(work, token, used[-1], f"phrase number {number}")
        used.append(f"phrase number {number}")
    for again in used:
        with pytest.raises(AccountRefused, match="最近5次"):
            accounts.change_password(work, token, used[-1], again)
    token = accounts.change_password(work, token, used[-1], OTHER)
    assert accounts.change_password(work, token, OTHER, GOOD)


def test_five_wrong_old_passwords_end_the_session(work):
    token = accounts.sign_in(work, "zhang.san", GOOD)
    for _ in range(4):
        with pytest.raises(AccountRefused, match="原密码不正确"):
            accounts.change_password(work, token, "x", OTHER)
    with pytest.raises(SignInRefused, match="暂停登录"):
        accounts.change_password(work, token, "x", OTHER)
    assert accounts.session_of(work, token) is None


# -------------------------------------------------------------------------------------------------- sessions


def test_a_session_rests_for_less_than_thirty_minutes(work, clock):
    token = accounts.sign_in(work, "zhang.san", GOOD)
    clock.on(minutes=29, seconds=59)
    assert accounts.session_of(work, token)
    clock.on(minutes=30)
    assert accounts.session_of(work, token) is None


def test_a_session_ends_after_twelve_hours_however_busy(work, clock):
    token = accounts.sign_in(work, "zhang.san", GOOD)
    for _ in range(12 * 4 - 1):
        clock.on(minutes=15)
        assert accounts.session_of(work, token)
    clock.on(minutes=15)
    assert accounts.session_of(work, token) is None


def test_the_rest_may_be_shorter(work, clock, monkeypatch):
    monkeypatch.setenv(accounts.IDLE_VARIABLE, "5")
    token = accounts.sign_in(work, "zhang.san", GOOD)
    clock.on(minutes=5)
    assert accounts.session_of(work, token) is None
    monkeypatch.setenv(accounts.IDLE_VARIABLE, "0")
    assert accounts.idle_time() == timedelta(minutes=30)


@pytest.mark.parametrize(
    "act",
    [
        lambda work: accounts.set_state(work, "zhang.san", State.OFF, ADMIN),
        lambda work: accounts.set_state(work, "zhang.san", State.LOCKED, ADMIN),
        lambda work: accounts.new_password(work, "zhang.san", ADMIN),
        lambda work: accounts.change(work, "zhang.san", ADMIN, role=Role.LEADER, display_name="张三"),
        lambda work: accounts.bind(work, "zhang.san", ADMIN, issuer="i", subject="s"),
        lambda work: accounts.end_sessions(work, "zhang.san", ADMIN),
    ],
)  # fmt: skip
def test_what_changes_an_account_ends_its_sessions_and_no_others(work, act):
    tokens = [accounts.sign_in(work, "zhang.san", GOOD) for _ in range(2)]
    kept = accounts.sign_in(work, "root", GOOD)
    act(work)
    assert [accounts.session_of(work, token) for token in tokens] == [None, None]
    assert accounts.session_of(work, kept)


def test_signing_out_ends_one_session(work):
    one, other = accounts.sign_in(work, "root", GOOD), accounts.sign_in(work, "root", GOOD)
    accounts.sign_out(work, one)
    assert accounts.session_of(work, one) is None
    assert accounts.session_of(work, other)


def test_neither_a_token_nor_a_password_lies_in_the_ledger(work):
    token = accounts.sign_in(work, "zhang.san", GOOD)
    refusal(work, "zhang.san", "a wrong secret word")
    refusal(work, "a secret in the name", "x")
    session = accounts.session_of(work, token)
    assert session is not None
    work.ledger.dispose()
    written = b"".join(file.read_bytes() for file in work.home.glob("ledger.sqlite*"))
    assert b"zhang.san" in written
    for secret in (token, GOOD, "a wrong secret word", "a secret in the name", session.csrf):
        assert secret.encode() not in written


# ----------------------------------------------------------------------------------------------- what is seen


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.COUNTY])
def test_a_role_without_its_place_sees_nothing(work, role):
    bare = account(work, "zhang.san")
    with reading(work.ledger) as conn:
        empty = accounts.scope_of(work, conn, accounts.Account(**{**vars(bare), "role": role}))
    assert not empty.sees_all
    assert (empty.units if role is Role.ENTERPRISE else empty.counties) == frozenset()


@pytest.mark.parametrize(
    "role, place, said",
    [(Role.ENTERPRISE, {}, "至少一个填报单位"), (Role.ENTERPRISE, {"units": frozenset({"U9"})}, "没有填报单位编码U9"),
     (Role.ENTERPRISE, {"units": frozenset({"甲矿"})}, "没有填报单位编码甲矿"), (Role.COUNTY, {}, "至少一个县区"),
     (Role.COUNTY, {"counties": frozenset({"1"})}, "没有县区代码1"), (Role.DEPARTMENT, {}, "部门名称")],
)  # fmt: skip
def test_no_account_without_the_place_of_its_role(work, role, place, said):
    with pytest.raises(AccountRefused, match=said):
        accounts.add(work, "neu", role, ADMIN, **place)
    with pytest.raises(AccountRefused, match=said):
        accounts.change(work, "zhang.san", ADMIN, role=role, display_name="张三", **place)


def test_an_account_holds_several_units_and_the_pages_name_them_not_the_person(work):
    with work.ledger.begin() as conn:
        more = [UNIT | {"unit_code": "U2", "uscc": "C2", "name": "乙矿"}, UNIT | {"name": "甲新矿"}]
        tables.bring(conn, "registry", more, date(2020, 1, 2), "名录.csv", Actor("x", Role.ANALYST))
    for name, units, label in (("one", {"U1"}, "甲新矿"), ("two", {"U2", "U1"}, "甲新矿等2个填报单位")):
        accounts.add(
            work, name, Role.ENTERPRISE, ADMIN, display_name="王五", units=frozenset(units), password=GOOD
        )
        session = accounts.session_of(work, accounts.sign_in(work, name, GOOD))
        assert session is not None
        assert session.scope == Scope(Role.ENTERPRISE, label, units=frozenset(units), account=name)


def test_a_countys_pages_are_named_after_it(work):
    accounts.add(
        work, "li", Role.COUNTY, ADMIN, display_name="李四", counties=frozenset({"140931"}), password=GOOD
    )
    session = accounts.session_of(work, accounts.sign_in(work, "li", GOOD))
    assert session is not None
    assert session.scope.label == "保德县"
    assert session.scope.actor == "保德县（li）"


def test_a_department_acts_under_its_name_and_is_told_apart_by_its_account(work):
    accounts.add(
        work, "li", Role.DEPARTMENT, ADMIN, department="市发改委", display_name="李四", password=GOOD
    )
    session = accounts.session_of(work, accounts.sign_in(work, "li", GOOD))
    assert session is not None
    actor = Actor.of(session.scope)
    assert (actor.department, actor.name) == ("市发改委", "市发改委（li）")


# ------------------------------------------------------------------------------------------------- as another


def test_looking_as_another_is_read_only_logged_and_has_an_end(work):
    accounts.add(
        work, "mine", Role.ENTERPRISE, ADMIN, units=frozenset({"U1"}), display_name="甲矿", password=GOOD
    )
    token = accounts.sign_in(work, "zhang.san", GOOD)
    accounts.view_as(work, token, "mine")
    session = accounts.session_of(work, token)
    assert session is not None
    assert session.scope.is_read_only
    assert session.scope.units == frozenset({"U1"})
    accounts.end_view(work, token)
    session = accounts.session_of(work, token)
    assert session is not None
    assert session.scope == Scope(Role.ANALYST, "张三", account="zhang.san")
    assert [(entry.actor, entry.action) for entry in log(work)][-2:] == [
        ("zhang.san", "以他人身份查看"), ("zhang.san", "结束以他人身份查看"),
    ]  # fmt: skip


def test_only_administrators_and_analysts_look_as_another_and_never_as_an_administrator(work):
    accounts.add(work, "boss", Role.LEADER, ADMIN, password=GOOD)
    with pytest.raises(NotAllowed):
        accounts.view_as(work, accounts.sign_in(work, "boss", GOOD), "zhang.san")
    with pytest.raises(NotAllowed):
        accounts.view_as(work, accounts.sign_in(work, "zhang.san", GOOD), "root")
    with pytest.raises(NotAllowed):
        accounts.view_as(work, accounts.sign_in(work, "root", GOOD), "root")


def test_a_refused_writer_writes_nothing_and_a_session_is_still_seen(work, clock):
    token, before = accounts.sign_in(work, "zhang.san", GOOD), len(log(work))

    def refuse() -> None:
        raise NotAllowed("只读")

    schema.guard_writers(refuse)
    with pytest.raises(NotAllowed):
        accounts.set_state(work, "zhang.san", State.OFF, ADMIN)
    clock.on(minutes=20)
    assert accounts.session_of(work, token)
    clock.on(minutes=20)
    assert accounts.session_of(work, token)
    schema.guard_writers(lambda: None)
    assert len(log(work)) == before
    assert account(work, "zhang.san").state is State.ACTIVE


# -------------------------------------------------------------------------------------------------- keeping


def test_nobody_but_an_administrator_keeps_accounts(work):
    for role in set(Role) - {Role.ADMIN}:
        other = Actor("x", role)
        for act in (
            lambda other=other: accounts.add(work, "neu", Role.LEADER, other),
            lambda other=other: accounts.change(work, "root", other, role=Role.LEADER, display_name="x"),
            lambda other=other: accounts.set_state(work, "root", State.OFF, other),
            lambda other=other: accounts.new_password(work, "root", other),
            lambda other=other: accounts.bind(work, "root", other, issuer="i", subject="s"),
            lambda other=other: accounts.end_sessions(work, "root", other),
        ):
            with pytest.raises(NotAllowed):
                act()
        if role is not Role.ANALYST:
            with pytest.raises(NotAllowed):
                accounts.listed(work, other)
    assert actions(work).count("新增账号") == 2


def test_the_last_administrator_stays(work):
    for act in (
        lambda: accounts.set_state(work, "root", State.OFF, ADMIN),
        lambda: accounts.set_state(work, "root", State.LOCKED, ADMIN),
        lambda: accounts.change(work, "root", ADMIN, role=Role.ANALYST, display_name="root"),
        lambda: accounts.change(
            work, "root", ADMIN, role=Role.ADMIN, display_name="root", expires_on=START.date() - timedelta(1)
        ),
    ):
        with pytest.raises(AccountRefused, match="最后一个"):
            act()
    assert accounts.can_serve(work)
    accounts.add(work, "second", Role.ADMIN, ADMIN)
    accounts.set_state(work, "root", State.OFF, ADMIN)
    assert accounts.can_serve(work)


def test_a_name_is_taken_once_and_has_a_form(work):
    with pytest.raises(AccountRefused, match="已经存在"):
        accounts.add(work, "ROOT", Role.LEADER, ADMIN)
    for name in ("", "a", "two words", "<b>", "x" * 65):
        with pytest.raises(AccountRefused, match="账号名"):
            accounts.add(work, name, Role.LEADER, ADMIN)


# ----------------------------------------------------------------------------------------------------- OIDC


ISSUER = "urn:example:provider"


def test_an_identity_comes_in_by_its_subject_or_its_verified_mail(work):
    accounts.bind(work, "zhang.san", ADMIN, issuer=ISSUER, subject="s1")
    assert accounts.sign_in_as(work, Identity(ISSUER, "s1"))
    for other in (Identity("urn:example:other", "s1"), Identity(ISSUER, "s2"), Identity(ISSUER, "")):
        with pytest.raises(SignInRefused, match="没有对应的账号"):
            accounts.sign_in_as(work, other)
    accounts.bind(work, "zhang.san", ADMIN, issuer=ISSUER, email="Zhang@Example.cn")
    assert accounts.sign_in_as(work, Identity(ISSUER, "s9", "zhang@example.CN"))
    with pytest.raises(SignInRefused):
        accounts.sign_in_as(work, Identity(ISSUER, "s1"))
    accounts.set_state(work, "zhang.san", State.OFF, ADMIN)
    with pytest.raises(SignInRefused, match="停用"):
        accounts.sign_in_as(work, Identity(ISSUER, "s9", "zhang@example.cn"))


def test_an_identity_belongs_to_one_account(work):
    accounts.bind(work, "zhang.san", ADMIN, issuer=ISSUER, subject="s1")
    with pytest.raises(AccountRefused, match=r"zhang\.san"):
        accounts.bind(work, "root", ADMIN, issuer=ISSUER, subject="s1")
    accounts.bind(work, "zhang.san", ADMIN)
    accounts.bind(work, "root", ADMIN, issuer=ISSUER, subject="s1")


def test_only_a_demonstration_lets_in_without_a_password(work):
    with pytest.raises(SignInRefused, match="演示"):
        accounts.demonstrate(work, Scope(Role.ANALYST, "市交通运输局"))


# ------------------------------------------------------------------------------------------------------ log


def test_every_coming_going_and_change_is_in_the_log(work):
    token = accounts.sign_in(work, "zhang.san", GOOD)
    for _ in range(5):
        refusal(work, "zhang.san", "x")
    accounts.set_state(work, "zhang.san", State.ACTIVE, ADMIN)
    token = accounts.change_password(work, token, GOOD, OTHER)
    accounts.sign_out(work, token)
    accounts.end_sessions(work, "zhang.san", ADMIN)
    assert actions(work)[3:] == [
        "登录", *["登录失败"] * 5, "暂停登录", "账号改为正常", "更换密码", "退出", "结束会话",
    ]  # fmt: skip
