"""账号: who may sign in, as whom, since when; adding, changing, locking; and looking as somebody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape

import streamlit as st

from dashboard import desk, session, widgets
from etl import accounts, filing
from etl.accounts import Account, AccountRefused, Listed, State
from etl.ledger.schema import LedgerUnavailable
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed, Role
from etl.wording import NONE

NEW = "新增账号"
PLACES = {
    Role.DEPARTMENT: "不含单个单位", Role.RAILWAY: "不含单个单位", Role.ADMIN: "名录与账号", Role.LEADER: "全市",
    Role.ANALYST: "全市",
}  # fmt: skip
# A sign that needs no colour, and its css class.
SIGNS = {State.ACTIVE: ("●", "green"), State.LOCKED: ("▲", "yellow"), State.OFF: ("■", "none")}
_SEPARATORS = str.maketrans("，、；;,\n\t", "       ")


@dataclass
class Keeping:
    """What the page holds between two reruns.

    `first`: a first password that was just set, with its account; it is drawn once. `serial` is part of the keys
    of widgets that begin afresh after an act.
    """

    said: str = ""
    trouble: str = ""
    first: tuple[str, str] | None = None
    serial: int = 0
    names: dict[str, str] = field(default_factory=dict)


def draw() -> None:
    scope = session.visit().scope
    widgets.plain_head("账号")
    work = desk.workplace()
    found = accounts.listed(work, Actor.of(scope))
    keeping: Keeping = st.session_state.setdefault("keeping", Keeping())
    keeping.names = filing.names(work)
    is_keeper = scope.role is Role.ADMIN
    widgets.sentence(_sentence(found))
    _outcome(keeping)
    _list(work, keeping, found)
    _view_as(found)
    if is_keeper:
        _keep(work, keeping, found)


def _sentence(found: Sequence[Listed]) -> str:
    if not found:
        return "还没有账号。"
    counts = {state: sum(one.account.state is state for one in found) for state in State}
    parts = [f"{count}个{state}" for state, count in counts.items() if count]
    if counts[State.ACTIVE] == len(found):
        parts = ["都正常"]
    inside = sum(one.sessions > 0 for one in found)
    paused = sum(one.locked_until is not None for one in found)
    said = f"共{len(found)}个账号，{'、'.join(parts)}；现有{inside}个账号在线"
    return said + (f"，{paused}个因输错密码暂停登录。" if paused else "。")


def _outcome(keeping: Keeping) -> None:
    """What became of the last act; a first password is shown this once."""
    if keeping.said:
        st.html(f"<p class='rs-done' role='status'>{escape(keeping.said)}</p>")
    if keeping.first is not None:
        name, password = keeping.first
        st.html(
            f"<div class='rs-first' role='status'><p>账号 <b>{escape(name)}</b> 的首次密码（只显示这一次）：</p>"
            f"<p><code>{escape(password)}</code></p><p>请当面或电话告知本人，{accounts.FIRST_PASSWORD_DAYS}天内登录"
            "并换成自己的密码。</p></div>"
        )
    if keeping.trouble:
        with st.container(key="trouble"):
            widgets.empty(keeping.trouble, "账号没有改动。")
    keeping.said, keeping.trouble, keeping.first = "", "", None


def _list(work: Workplace, keeping: Keeping, found: Sequence[Listed]) -> None:
    widgets.title("账号一览", "按账号名排列")
    if not found:
        widgets.note("还没有账号。")
        return
    body = "".join(_row(work, keeping, one) for one in found)
    st.html(
        "<div class='rs-scroll'><table class='rs-table rs-lines rs-accounts'><thead><tr><th scope='col'>账号</th>"
        "<th scope='col'>身份</th><th scope='col'>可看范围</th><th scope='col'>状态</th>"
        f"<th scope='col'>上次登录</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(work: Workplace, keeping: Keeping, one: Listed) -> str:
    account = one.account
    sign, css = SIGNS[account.state]
    remarks = [
        *([f"有效至{account.expires_on.isoformat()}"] if account.expires_on else ()),
        *([f"输错密码，暂停到{one.locked_until:%H:%M}"] if one.locked_until else ()),
        *(["待换首次密码"] if account.must_change else ()),
        *(["统一身份认证"] if account.is_bound else ()),
    ]
    came = account.last_sign_in_at
    when = [*([f"{came:%H:%M}"] if came else ()), *([f"在线{one.sessions}处"] if one.sessions else ())]
    return (
        f"<tr><td><b>{escape(account.display_name)}</b><small>{escape(account.name)}</small></td>"
        f"<td class='rs-nowrap' data-name='身份'>{escape(account.role.value)}</td>"
        f"<td data-name='可看范围'>{escape(_place(work, keeping, account))}</td>"
        f"<td data-name='状态'><span class='rs-light rs-{css}'><i>{sign}</i>{account.state}</span>"
        f"<small>{escape('，'.join(remarks))}</small></td>"
        f"<td class='rs-nowrap' data-name='上次登录'>{f'{came:%Y-%m-%d}' if came else '从未登录'}"
        f"<small>{'，'.join(when)}</small></td></tr>"
    )


def _place(work: Workplace, keeping: Keeping, account: Account) -> str:
    """What an account sees, in words."""
    if account.role is Role.ENTERPRISE:
        return "、".join(keeping.names.get(code, code) for code in sorted(account.units)) or NONE
    if account.role is Role.COUNTY:
        return (
            "、".join(work.declared.county_names.get(code, code) for code in sorted(account.counties)) or NONE
        )
    place = PLACES[account.role]
    return f"{account.department}，{place}" if account.role is Role.DEPARTMENT else place


def _view_as(found: Sequence[Listed]) -> None:
    """Look as an account: a form that leaves the page, so that nothing of one's own stays on it."""
    here = session.visit()
    own = here.signed_in.account.account_id if here.signed_in else None
    others = [
        one.account for one in found if one.account.role is not Role.ADMIN and one.account.account_id != own
    ]
    widgets.title("以他人身份查看", "只能看，不能办理；起止记入日志")
    if not others:
        widgets.note("还没有其他账号。")
        return
    options = "".join(
        f"<option value='{escape(account.name)}'>{escape(account.role.value)} · {escape(account.display_name)}"
        f"（{escape(account.name)}）</option>"
        for account in others
    )
    st.html(
        "<form class='rs-viewform' method='post' action='/viewas'>"
        f"<input type='hidden' name='csrf' value='{escape(here.csrf)}'>"
        f"<select name='who' aria-label='以谁的身份'>{options}</select><button>开始查看</button></form>"
    )


# ------------------------------------------------------------------------------------------------- keeping


def _keep(work: Workplace, keeping: Keeping, found: Sequence[Listed]) -> None:
    widgets.title("维护账号")
    named = {one.account.name: one for one in found}
    with st.container(key="keep"):
        chosen = st.selectbox(
            "账号",
            ["", *named],
            format_func=lambda name: f"{named[name].account.display_name}（{name}）" if name else NEW,
            key=f"keep-which-{keeping.serial}",
            filter_mode=None,
        )
        one = named.get(chosen)
        _fields(work, keeping, one.account if one else None)
        if one is not None:
            _acts(work, keeping, one)
            _binding(work, keeping, one.account)


def _fields(work: Workplace, keeping: Keeping, account: Account | None) -> None:
    """What an account is; of the places only that which its role has."""
    key = f"{keeping.serial}-{account.name if account else ''}"
    roles = list(Role)
    with st.container(horizontal=True, key="keep-fields"):
        if account is None:
            st.text_input(
                "账号名 *", key=f"name-{key}", autocomplete="off", placeholder="字母、数字、汉字或 . _ - @"
            )
        st.text_input(
            "显示名称", account.display_name if account else "", key=f"display-{key}", autocomplete="off"
        )
        role = st.selectbox(
            "身份 *", roles, index=roles.index(account.role) if account else 0, key=f"role-{key}",
            format_func=lambda one: one.value, filter_mode=None,
        )  # fmt: skip
        expires = account.expires_on.isoformat() if account and account.expires_on else ""
        st.text_input(
            "有效期至（空为长期）",
            expires,
            key=f"expires-{key}",
            autocomplete="off",
            placeholder="如2027-12-31",
        )
    if role is Role.ENTERPRISE:
        units = "\n".join(sorted(account.units)) if account else ""
        st.text_area("填报单位编码 *（一行一个，可以几个）", units, key=f"units-{key}", height=90)
    if role is Role.COUNTY:
        counties = work.declared.county_names
        st.pills(
            "县区 *", list(counties), format_func=counties.__getitem__, selection_mode="multi",
            default=sorted(account.counties & set(counties)) if account else [], key=f"counties-{key}",
        )  # fmt: skip
    if role is Role.DEPARTMENT:
        st.text_input(
            "部门名称 *（与任务清单的责任单位一致）", account.department if account else "",
            key=f"department-{key}", autocomplete="off",
        )  # fmt: skip
    st.button(
        "保存" if account else "新增", type="primary", key=f"keep-save-{key}", on_click=_save,
        args=(work, keeping, account, key),
    )  # fmt: skip


def _save(work: Workplace, keeping: Keeping, account: Account | None, key: str) -> None:
    def typed(name: str) -> str:
        return (st.session_state.get(f"{name}-{key}") or "").strip()

    def act() -> str:
        role, name = st.session_state[f"role-{key}"], account.name if account else typed("name")
        expires_on = _day(typed("expires"))
        units = (
            frozenset(typed("units").translate(_SEPARATORS).split())
            if role is Role.ENTERPRISE
            else frozenset()
        )
        counties = (
            frozenset(st.session_state.get(f"counties-{key}") or ()) if role is Role.COUNTY else frozenset()
        )
        department = typed("department") if role is Role.DEPARTMENT else ""
        actor, shown = _actor(), typed("display")
        if account is None:
            first = accounts.add(
                work, name, role, actor, display_name=shown, counties=counties, units=units,
                department=department, expires_on=expires_on,
            )  # fmt: skip
            keeping.first = (accounts.normal(name), first)
            return f"已新增账号{accounts.normal(name)}。"
        accounts.change(
            work, name, actor, role=role, display_name=shown, counties=counties, units=units,
            department=department, expires_on=expires_on,
        )  # fmt: skip
        return f"已保存账号{name}；身份或范围有变的，须重新登录。"

    _do(keeping, act)


def _acts(work: Workplace, keeping: Keeping, one: Listed) -> None:
    """What can be done to an account at once."""
    name, state = one.account.name, one.account.state
    is_open = state is State.ACTIVE and one.locked_until is None
    with st.container(horizontal=True, key="keep-acts"):
        if not is_open:
            _act_button(keeping, "解锁" if state is not State.OFF else "恢复", "open",
                        lambda: _state(work, name, State.ACTIVE, "已恢复"))  # fmt: skip
        if state is State.ACTIVE:
            _act_button(
                keeping, "锁定", "lock", lambda: _state(work, name, State.LOCKED, "已锁定，会话已结束")
            )
        if state is not State.OFF:
            _act_button(keeping, "停用", "off", lambda: _state(work, name, State.OFF, "已停用，会话已结束"))

        def first() -> str:
            keeping.first = (name, accounts.new_password(work, name, _actor()))
            return f"已为账号{name}设置新的首次密码，会话已结束。"

        _act_button(keeping, "新的首次密码", "first", first)
        _act_button(
            keeping, "结束会话", "end",
            lambda: f"账号{name}：已结束{accounts.end_sessions(work, name, _actor())}处会话。",
        )  # fmt: skip


def _state(work: Workplace, name: str, state: State, said: str) -> str:
    accounts.set_state(work, name, state, _actor())
    return f"账号{name}：{said}。"


def _act_button(keeping: Keeping, label: str, key: str, act: Callable[[], str]) -> None:
    st.button(label, key=f"keep-{key}", on_click=_do, args=(keeping, act))


def _binding(work: Workplace, keeping: Keeping, account: Account) -> None:
    """Which identity of the provider comes in as this account."""
    key = f"{keeping.serial}-{account.name}"
    with st.expander("绑定统一身份认证"):
        widgets.note("填写认证服务的 issuer，以及该人的 sub 或经核实的邮箱；都空着即解除绑定。")
        with st.container(horizontal=True, key="keep-binding"):
            st.text_input("issuer", account.oidc_issuer, key=f"issuer-{key}", autocomplete="off")
            st.text_input("sub", account.oidc_subject, key=f"subject-{key}", autocomplete="off")
            st.text_input("邮箱", account.oidc_email, key=f"email-{key}", autocomplete="off")

        def act() -> str:
            values = {
                name: (st.session_state.get(f"{name}-{key}") or "").strip()
                for name in ("issuer", "subject", "email")
            }
            accounts.bind(work, account.name, _actor(), **values)
            is_bound = values["subject"] or values["email"]
            return f"账号{account.name}：{'已绑定统一身份认证' if is_bound else '已解除绑定'}。"

        st.button("保存绑定", key=f"keep-bind-{key}", on_click=_do, args=(keeping, act))


def _do(keeping: Keeping, act: Callable[[], str]) -> None:
    """One act, done or refused whole; what was typed stays where it was refused."""
    keeping.said, keeping.trouble = "", ""
    try:
        keeping.said = act()
        keeping.serial += 1
    except (AccountRefused, NotAllowed, LedgerUnavailable) as refusal:
        keeping.first, keeping.trouble = None, str(refusal)


def _actor() -> Actor:
    return Actor.of(session.visit().scope)


def _day(text: str) -> date | None:
    """Errors: AccountRefused for what is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise AccountRefused(f"有效期“{text}”不是日期，请写成2027-12-31的样子。") from error


draw()
