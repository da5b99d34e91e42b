"""`railshift account`: who may sign in. A password is read from the terminal or from stdin, never an argument."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from etl import accounts
from etl.accounts import Listed, State
from etl.console import JsonFlag, day_of, print_json, workplace
from etl.roles import Actor, Role

account_app = typer.Typer(no_args_is_help=True, help="登录账号")
# Whoever may run commands on the machine keeps the accounts.
KEEPER = Actor("命令行", Role.ADMIN)

NameArgument = Annotated[str, typer.Argument(help="账号名")]
StdinFlag = Annotated[bool, typer.Option("--stdin", help="从标准输入读一行作为密码，不再生成首次密码")]
TypedFlag = Annotated[bool, typer.Option("--typed", help="在终端输入密码，不再生成首次密码")]


@account_app.command()
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="身份")],
    display_name: Annotated[str, typer.Option("--display", help="显示的名称，如姓名或单位")] = "",
    units: Annotated[list[str] | None, typer.Option("--unit", help="填报单位编码，可多次")] = None,
    counties: Annotated[list[str] | None, typer.Option("--county", help="县区代码，可多次")] = None,
    department: Annotated[str, typer.Option(help="部门名称")] = "",
    expires: Annotated[
        datetime | None, typer.Option("--expires", formats=["%Y-%m-%d"], help="账号有效期至")
    ] = None,
    from_stdin: StdinFlag = False,
    typed: TypedFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """新增账号；打印首次密码，首次登录须更换。"""
    password = _password(from_stdin, typed)
    first = accounts.add(
        workplace(), name, role, KEEPER, display_name=display_name, counties=frozenset(counties or ()),
        units=frozenset(units or ()), department=department, expires_on=day_of(expires), password=password,
    )  # fmt: skip
    _say(name, "已新增", "" if password else first, as_json)


@account_app.command("list")
def list_command(as_json: JsonFlag = False) -> None:
    """列出账号、身份、范围和状态。"""
    found = accounts.listed(workplace(), KEEPER)
    if as_json:
        print_json({"accounts": [_json(one) for one in found]})
        return
    for one in found:
        account = one.account
        came = account.last_sign_in_at
        last = f"上次登录{came:%Y-%m-%d %H:%M}" if came else "从未登录"
        place = "、".join([*sorted(account.units), *sorted(account.counties), account.department]).rstrip(
            "、"
        )
        locked = f"，暂停登录至{one.locked_until:%H:%M}" if one.locked_until else ""
        typer.echo(
            f"{account.name}：{account.role}（{account.display_name}）{place} {account.state}{locked}，{last}"
        )
    if not found:
        typer.echo("还没有账号。请先运行 railshift account add 名称 --role 管理。")


@account_app.command()
def password(
    name: NameArgument, from_stdin: StdinFlag = False, typed: TypedFlag = False, as_json: JsonFlag = False
) -> None:
    """重设密码：打印新的首次密码；该账号的会话全部结束。"""
    said = _password(from_stdin, typed)
    first = accounts.new_password(workplace(), name, KEEPER, said)
    _say(name, "已重设密码", "" if said else first, as_json)


@account_app.command()
def lock(name: NameArgument, as_json: JsonFlag = False) -> None:
    """锁定账号，会话全部结束。"""
    accounts.set_state(workplace(), name, State.LOCKED, KEEPER)
    _say(name, "已锁定", "", as_json)


@account_app.command()
def unlock(name: NameArgument, as_json: JsonFlag = False) -> None:
    """解除锁定或停用，也解除输错密码后的暂停登录。"""
    accounts.set_state(workplace(), name, State.ACTIVE, KEEPER)
    _say(name, "已恢复", "", as_json)


@account_app.command()
def off(name: NameArgument, as_json: JsonFlag = False) -> None:
    """停用账号，会话全部结束。"""
    accounts.set_state(workplace(), name, State.OFF, KEEPER)
    _say(name, "已停用", "", as_json)


@account_app.command()
def bind(
    name: NameArgument,
    issuer: Annotated[str, typer.Option(help="身份认证服务的 issuer")] = "",
    subject: Annotated[str, typer.Option(help="该身份的 sub")] = "",
    email: Annotated[str, typer.Option(help="或者：经认证服务核实的邮箱")] = "",
    as_json: JsonFlag = False,
) -> None:
    """绑定统一身份认证的身份；都不填则解除。"""
    accounts.bind(workplace(), name, KEEPER, issuer=issuer, subject=subject, email=email)
    _say(name, "已绑定" if subject or email else "已解除绑定", "", as_json)


def _password(from_stdin: bool, typed: bool) -> str:
    """'' = one is made up."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return typer.prompt("密码", hide_input=True, confirmation_prompt="再输入一次") if typed else ""


def _say(name: str, done: str, first: str, as_json: bool) -> None:
    name = accounts.normal(name)
    if as_json:
        print_json({"name": name, **({"first_password": first} if first else {})})
        return
    typer.echo(f"账号{name}：{done}。")
    if first:
        typer.echo(f"首次密码：{first}（只显示这一次，{accounts.FIRST_PASSWORD_DAYS}天内登录并更换）")


def _json(one: Listed) -> dict[str, object]:
    account = one.account
    return {
        "name": account.name,
        "display_name": account.display_name,
        "role": account.role,
        "units": sorted(account.units),
        "counties": sorted(account.counties),
        "department": account.department,
        "state": account.state,
        "expires_on": account.expires_on.isoformat() if account.expires_on else None,
        "locked_until": one.locked_until.isoformat(timespec="seconds") if one.locked_until else None,
        "sessions": one.sessions,
        "last_sign_in_at": account.last_sign_in_at.isoformat(timespec="seconds")
        if account.last_sign_in_at
        else None,
    }
