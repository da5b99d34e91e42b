"""`railshift account` and `railshift serve` as they are called."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from etl.demo import MARKER
from tests.flow.command import Desk

PASSWORD = "一句只有我们几个人知道的话"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def test_an_account_is_added_listed_locked_and_opened_again(desk: Desk) -> None:
    done = desk.run("account", "add", "Root", "--role", "管理", "--display", "王管理")
    assert done.code == 0
    assert "账号root：已新增。" in done.out
    assert "首次密码：" in done.out
    assert desk.run("account", "lock", "root").code == 1
    assert desk.run("account", "add", "zhang", "--role", "分析").code == 0
    for command, state in (("lock", "锁定"), ("unlock", "正常"), ("off", "停用")):
        assert desk.run("account", command, "zhang").code == 0
        listed = desk.run("account", "list", "--json").json["accounts"]
        assert {one["name"]: one["state"] for one in listed} == {"root": "正常", "zhang": state}
    assert "从未登录" in desk.run("account", "list").out


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("add", "x y", "--role", "分析"), "账号名"),
        (("add", "mine", "--role", "企业"), "至少一个填报单位"),
        (("add", "mine", "--role", "县区", "--county", "1"), "没有县区代码1"),
        (("lock", "niemand"), "没有账号niemand"),
        (("bind", "root", "--subject", "s"), "issuer"),
    ],
)
def test_what_cannot_be_is_a_sentence(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    desk.run("account", "add", "root", "--role", "管理")
    done = desk.run("account", *arguments)
    assert done.code == 1
    assert said in done.err


def test_no_account_without_a_role(desk: Desk) -> None:
    assert desk.run("account", "add", "root").code == 2
    assert desk.run("account", "add", "root", "--role", "无").code == 2


def test_no_password_is_an_argument(desk: Desk) -> None:
    for command in ("add", "password"):
        done = desk.run("account", command, "--help")
        assert "--stdin" in done.out
        assert "--password" not in done.out


def test_a_password_is_read_from_stdin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\nzu kurz\n"))
    done = desk.run("account", "add", "root", "--role", "管理", "--stdin", "--json")
    assert done.json == {"name": "root"}
    refused = desk.run("account", "add", "zhang", "--role", "分析", "--stdin")
    assert refused.code == 1
    assert "至少12位" in refused.err


def test_real_data_are_not_served_without_an_administrator(desk: Desk) -> None:
    done = desk.run("serve")
    assert done.code == 1
    assert "railshift account add" in done.err
    desk.run("account", "add", "root", "--role", "管理")
    # Now only the data are missing.
    assert "railshift build" in desk.run("serve", "--host", "0.0.0.0").err


def test_a_demonstration_is_served_on_this_machine_only(desk: Desk) -> None:
    desk.home.mkdir(parents=True)
    (desk.home / MARKER).write_text("演示数据", encoding="utf-8")
    for arguments in (("serve", "--host", "0.0.0.0"), ("serve", "--demo", "--host", "rail.example")):
        done = desk.run(*arguments)
        assert done.code == 2
        assert "本机" in done.err
