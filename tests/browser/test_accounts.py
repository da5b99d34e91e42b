"""Accounts in a browser: real data, a name and a password, a session that ends everywhere at once."""

from __future__ import annotations

import re
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, TimeoutError

from tests.browser.conftest import ACCOUNTS, PASSWORD, RealData, Site, Visitor
from tests.browser.test_access import urlpath
from tests.browser.test_entry import unfold
from tests.browser.test_pages import english

NEW = "另外一句更长一些的话也可以"
COOKIE = "railshift_session"


@pytest.fixture(scope="module")
def real(serve: Callable[..., Site], real_data: RealData) -> Site:
    return serve(real_data.home, real_data.data, real_data.more)


@pytest.fixture
def someone(request: pytest.FixtureRequest, real: Site, browser: Browser) -> Iterator[Visitor]:
    width = getattr(request, "param", 1440)
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
    yield Visitor(real, context, context.new_page(), [])
    context.close()


@pytest.fixture
def newcomer(real_data: RealData, request: pytest.FixtureRequest) -> tuple[str, str]:
    """An account of this test alone, with its first password."""
    name = f"neu{abs(hash(request.node.nodeid)) % 10**8}"
    said = real_data.run("account", "add", name, "--role", "领导", "--display", "新来的")
    found = re.search(r"首次密码：(\S+?)（", said)
    assert found is not None
    return name, found[1]


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD, following: str = "") -> None:
    visitor.page.goto(f"{visitor.site.address}/signin" + (f"?next={following}" if following else ""))
    visitor.page.get_by_label("账号").fill(name)
    visitor.page.get_by_label("密码").fill(password)
    visitor.page.get_by_role("button", name="登录").click()


def log(real_data: RealData) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(real_data.home / "ledger.sqlite")) as ledger:
        return ledger.execute("SELECT actor, action FROM audit_log ORDER BY entry_id").fetchall()


def post(site: Site, path: str, fields: dict[str, str], cookie: str = "") -> tuple[int, str]:
    """What the server answers to a form, without following it."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl) -> None:
            return None

    request = urllib.request.Request(
        f"{site.address}{path}", data=urllib.parse.urlencode(fields).encode(), method="POST",
        headers={"Cookie": cookie},
    )  # fmt: skip
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, str(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(error.headers)


# ---------------------------------------------------------------------------------------------------- sign-in


def test_a_name_and_its_password_lead_to_where_one_wanted_to_go(someone: Visitor) -> None:
    sign_in(someone, "Zhang", following=quote("/corridors?year=2024", safe=""))
    someone.settle()
    assert urlpath(someone.page.url) == "/corridors"
    assert someone.filters()[0] == "2024"
    assert "分析 · 张三" in someone.page.locator(".rs-who").inner_text()
    assert "演示" not in someone.page.locator("body").inner_text()


def test_the_sign_in_of_real_data_offers_no_role_and_is_chinese(someone: Visitor) -> None:
    someone.page.goto(f"{someone.site.address}/overview")
    assert urlpath(someone.page.url) == "/signin"
    text = someone.page.locator("body").inner_text()
    assert "演示" not in text
    assert someone.page.locator("button").all_inner_texts() == ["登录"]
    assert not re.findall(r"[A-Za-z]{3,}", text)
    assert someone.page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_another_host_is_no_place_to_go_on(someone: Visitor) -> None:
    sign_in(someone, "zhang", following=quote("//evil.example/x", safe=""))
    someone.settle()
    assert someone.page.url.startswith(someone.site.address)


def test_a_wrong_password_and_an_unknown_name_read_the_same(someone: Visitor) -> None:
    for name in ("lingdao", "niemand"):
        sign_in(someone, name, "falsch falsch")
        assert someone.page.get_by_role("alert").inner_text() == "账号或密码不正确。"
        assert someone.page.get_by_label("账号").input_value() == name
        assert someone.page.get_by_label("密码").input_value() == ""


def test_the_fifth_wrong_password_pauses_the_account_until_an_administrator_opens_it(
    someone: Visitor, newcomer: tuple[str, str], real_data: RealData
) -> None:
    name, first = newcomer
    for _ in range(5):
        sign_in(someone, name, "falsch falsch")
    assert "暂停登录" in someone.page.get_by_role("alert").inner_text()
    sign_in(someone, name, first)
    assert "暂停登录" in someone.page.get_by_role("alert").inner_text()
    real_data.run("account", "unlock", name)
    sign_in(someone, name, first)
    assert urlpath(someone.page.url) == "/password"


def test_a_first_password_has_to_be_changed_before_anything_is_seen(
    someone: Visitor, newcomer: tuple[str, str]
) -> None:
    name, first = newcomer
    page = someone.page
    sign_in(someone, name, first)
    for view in ("overview", "accounts", ""):
        page.goto(f"{someone.site.address}/{view}")
        assert urlpath(page.url) == "/password"
    for new, said in (("zu kurz", "至少12位"), (f"{name}-geheim", "账号名"), (first, "用过")):
        change(page, first, new)
        assert said in page.get_by_role("alert").inner_text()
    change(page, "falsch", NEW)
    assert "原密码不正确" in page.get_by_role("alert").inner_text()
    before = cookie(someone)
    change(page, first, NEW)
    someone.settle()
    assert cookie(someone) != before
    sign_in(someone, name, first)
    assert page.get_by_role("alert").inner_text() == "账号或密码不正确。"
    sign_in(someone, name, NEW)
    someone.settle()


def change(page: Page, old: str, new: str) -> None:
    page.get_by_label("原密码").fill(old)
    page.get_by_label("新密码", exact=True).fill(new)
    page.get_by_label("再输入一次").fill(new)
    page.get_by_role("button", name="更换").click()


def cookie(visitor: Visitor) -> str:
    return next(c for c in visitor.context.cookies() if c["name"] == COOKIE)["value"]


def test_the_cookies_are_out_of_reach_of_scripts_and_a_new_one_comes_with_each_sign_in(
    someone: Visitor,
) -> None:
    someone.context.add_cookies([{"name": COOKIE, "value": "brought-along", "url": someone.site.address}])
    sign_in(someone, "zhang")
    kept = next(c for c in someone.context.cookies() if c["name"] == COOKIE)
    assert kept["httpOnly"]
    assert kept["sameSite"] == "Lax"
    assert kept["value"] != "brought-along"
    assert COOKIE not in someone.page.evaluate("document.cookie")
    first = kept["value"]
    sign_in(someone, "zhang")
    assert cookie(someone) != first
    # The one before is over: it opens nothing any more.
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            urllib.request.Request(f"{someone.site.address}/media/x", headers={"Cookie": f"{COOKIE}={first}"})
        )
    assert refused.value.code == 403
    refused.value.close()


def test_behind_https_the_cookies_say_so(real: Site) -> None:
    request = urllib.request.Request(f"{real.address}/signin", headers={"X-Forwarded-Proto": "https"})
    with urllib.request.urlopen(request) as answer:
        given = answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert given.startswith("__Host-railshift_form=")
    assert all(word in given for word in ("HttpOnly", "Secure", "Path=/", "SameSite=strict"))


# ------------------------------------------------------------------------------------------------ forged forms


def test_a_form_without_its_token_does_nothing(someone: Visitor, real_data: RealData) -> None:
    sign_in(someone, "zhang")
    someone.settle()
    mine = f"{COOKIE}={cookie(someone)}"
    before = len(log(real_data))
    forged = {"csrf": "x", "name": "zhang", "password": PASSWORD, "who": "lingdao"}
    for path in ("/signin", "/signout", "/password", "/viewas"):
        assert post(someone.site, path, forged, mine)[0] == 403
    assert "railshift_session" not in post(someone.site, "/signin", forged)[1]
    assert len(log(real_data)) == before
    someone.open("/overview")
    assert someone.page.locator(".rs-cards").count()


# ------------------------------------------------------------------------------------------------ the session


def test_signing_out_ends_the_session_on_the_server(someone: Visitor, browser: Browser) -> None:
    sign_in(someone, "zhang")
    someone.settle()
    stolen = someone.context.storage_state()
    someone.page.get_by_role("button", name="退出").click()
    someone.page.wait_for_url(re.compile("/signin"))
    context = browser.new_context(storage_state=stolen)
    page = context.new_page()
    page.goto(f"{someone.site.address}/overview")
    assert urlpath(page.url) == "/signin"
    context.close()


def test_a_session_that_is_open_sees_nothing_more_once_its_account_is_switched_off(
    someone: Visitor, real_data: RealData, newcomer: tuple[str, str]
) -> None:
    name, first = newcomer
    sign_in(someone, name, first)
    change(someone.page, first, NEW)
    someone.settle()
    someone.open("/overview")
    real_data.run("account", "off", name)
    someone.page.get_by_role("link", name="通道", exact=True).click()
    someone.page.get_by_text("登录已结束。").wait_for()
    assert someone.page.locator(".rs-units, .rs-cards, .rs-head").count() == 0
    sign_in(someone, name, NEW)
    assert "账号已停用" in someone.page.get_by_role("alert").inner_text()


def test_an_act_begun_in_an_open_page_is_refused_once_the_session_is_over(
    someone: Visitor, real_data: RealData
) -> None:
    page = someone.page
    sign_in(someone, "tielu")
    someone.open("/official")
    # The form is a part of the page that is drawn by itself, and its button acts before the page is looked at.
    table = unfold(someone, "official", "录入")
    record = table.get_by_role("button", name="登记", exact=True)
    record.wait_for()
    real_data.run("account", "lock", "tielu")
    real_data.run("account", "unlock", "tielu")
    before = len(log(real_data))
    record.click()
    page.get_by_text("登录已结束。").wait_for()
    assert page.locator(".rs-head, [class*=st-key-maintain-]").count() == 0
    assert len(log(real_data)) == before


def test_what_is_sent_once_the_session_is_over_is_not_recorded(someone: Visitor, real_data: RealData) -> None:
    page = someone.page
    sign_in(someone, "mine")
    someone.open("/filing")
    page.locator("summary", has_text="说明差异的原因").click()
    page.locator("[class*=st-key-mirror-form] textarea").fill("装车时点不同")
    page.keyboard.press("Control+Enter")
    someone.settle()
    real_data.run("account", "lock", "mine")
    real_data.run("account", "unlock", "mine")
    before = log(real_data)
    # The button's own function runs before the page is looked at.
    page.get_by_role("button", name="提交说明").click()
    page.get_by_text("登录已结束。").wait_for()
    assert log(real_data) == before


def test_sessions_are_known_to_every_process(
    someone: Visitor, real_data: RealData, serve: Callable[..., Site], browser: Browser
) -> None:
    other = serve(real_data.home, real_data.data, real_data.more)
    sign_in(someone, "zhang")
    someone.settle()
    there = Visitor(other, someone.context, someone.context.new_page(), [])
    there.open("/overview")
    assert there.page.locator(".rs-cards").count()
    there.page.get_by_role("button", name="退出").click()
    there.page.wait_for_url(re.compile("/signin"))
    someone.page.goto(f"{someone.site.address}/overview")
    assert urlpath(someone.page.url) == "/signin"


# ------------------------------------------------------------------------------------------------------- 账号


@pytest.mark.parametrize("someone", [1440, 390], indirect=True)
def test_the_page_of_accounts_is_chinese_whole_and_within_the_screen(someone: Visitor) -> None:
    sign_in(someone, "root")
    someone.open("/accounts")
    names = {*ACCOUNTS, "li", "si", "issuer", "sub"}
    assert {word for word in english(someone.page) if not word.startswith("neu")} <= names
    assert someone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert someone.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
    rows = someone.page.locator(".rs-accounts tbody tr").all_inner_texts()
    assert any("示例煤业八矿" in row and "企业" in row for row in rows)


@pytest.mark.parametrize("name", ["mine", "baode", "fagai", "lingdao"])
def test_only_administrators_and_analysts_open_it(someone: Visitor, name: str) -> None:
    sign_in(someone, name)
    someone.open("/accounts")
    assert "不查看“账号”页" in someone.page.locator(".rs-empty").inner_text()
    assert someone.page.locator(".rs-accounts, .rs-viewform").count() == 0


def test_an_analyst_keeps_no_accounts(someone: Visitor) -> None:
    sign_in(someone, "zhang")
    someone.open("/accounts")
    assert someone.page.locator(".rs-viewform").count() == 1
    assert someone.page.locator(".st-key-keep").count() == 0


def test_an_account_is_added_changed_locked_and_its_password_shown_once(
    someone: Visitor, browser: Browser
) -> None:
    page = someone.page
    sign_in(someone, "root")
    someone.open("/accounts")
    page.get_by_label("账号名 *").fill("Li.Si")
    page.get_by_label("显示名称").fill("李四")
    press(someone, "新增")
    assert "至少一个填报单位" in page.locator(".st-key-trouble").inner_text()
    page.get_by_label("填报单位编码").fill("91140900MADEM0011P")
    press(someone, "新增")
    first = page.locator(".rs-first code").inner_text()
    assert "李四" in page.locator(".rs-accounts").inner_text()
    someone.open("/accounts")
    assert first not in page.locator("body").inner_text()
    context = browser.new_context(locale="zh-CN")
    li = Visitor(someone.site, context, context.new_page(), [])
    sign_in(li, "li.si", first)
    assert urlpath(li.page.url) == "/password"
    pick(someone, "李四（li.si）")
    press(someone, "锁定")
    assert "已锁定" in page.locator(".rs-done").inner_text()
    li.page.reload()
    assert urlpath(li.page.url) == "/signin"
    sign_in(li, "li.si", first)
    assert "账号已被锁定" in li.page.get_by_role("alert").inner_text()
    context.close()


def test_the_last_administrator_cannot_be_switched_off(someone: Visitor) -> None:
    sign_in(someone, "root")
    someone.open("/accounts")
    pick(someone, "王管理（root）")
    press(someone, "停用")
    assert "最后一个可用的管理账号" in someone.page.locator(".st-key-trouble").inner_text()


def pick(visitor: Visitor, label: str) -> None:
    option = visitor.page.get_by_role("option", name=label, exact=True)
    # The list closes where the page is drawn anew just then.
    for _ in range(3):
        visitor.page.locator(".st-key-keep [data-testid=stSelectbox] button").first.click()
        with suppress(TimeoutError):
            option.click(timeout=5000)
            break
    visitor.settle()


def press(visitor: Visitor, name: str) -> None:
    visitor.page.locator(".st-key-keep").get_by_role("button", name=name, exact=True).click()
    visitor.page.locator(".rs-done, .st-key-trouble").first.wait_for()
    visitor.settle()


# ------------------------------------------------------------------------------------------------ as somebody


def test_looking_as_somebody_is_read_only_told_on_each_page_and_logged(
    someone: Visitor, real_data: RealData
) -> None:
    page = someone.page
    sign_in(someone, "zhang")
    someone.open("/accounts")
    page.locator(".rs-viewform select").select_option("mine")
    page.get_by_role("button", name="开始查看").click()
    someone.settle()
    started = log(real_data)
    assert started[-1] == ("zhang", "以他人身份查看")
    for view in ("filing", "overview", "enterprise", "rules"):
        someone.open(f"/{view}")
        assert "正在以“企业 · 示例煤业八矿”的身份查看" in page.locator(".rs-viewing").inner_text()
        assert page.locator("[data-testid=stAlert]").count() == 0
    someone.open("/corridors")
    assert "不查看“通道”页" in page.locator(".rs-empty").inner_text()
    assert log(real_data) == started
    page.get_by_role("button", name="结束查看").click()
    page.wait_for_url(re.compile("/accounts"))
    someone.settle()
    assert page.locator(".rs-viewing").count() == 0
    assert log(real_data)[-1] == ("zhang", "结束以他人身份查看")


def test_every_act_in_somebodys_name_is_refused_with_a_sentence(
    someone: Visitor, real_data: RealData
) -> None:
    page = someone.page
    sign_in(someone, "root")
    someone.open("/accounts")
    page.locator(".rs-viewform select").select_option("zhang")
    page.get_by_role("button", name="开始查看").click()
    someone.settle()
    before = log(real_data)
    # As an analyst there is much that could be done: take the inbox up, for one.
    someone.open("/jobs")
    page.get_by_role("button", name="立即收件").click()
    page.get_by_text("正在以他人身份查看，只能看，不能办理。").first.wait_for()
    assert "系统错误" not in page.locator("body").inner_text()
    # Nobody looks as a third one while looking as a second, and nobody keeps accounts so.
    someone.open("/accounts")
    assert page.locator(".st-key-keep").count() == 0
    page.get_by_role("button", name="结束查看").click()
    page.locator(".rs-viewform select").select_option("mine")
    page.get_by_role("button", name="开始查看").click()
    someone.open("/filing")
    began = log(real_data)
    page.locator("summary", has_text="说明差异的原因").click()
    page.locator("[class*=st-key-mirror-form] textarea").fill("装车时点不同")
    page.get_by_role("button", name="提交说明").click()
    page.get_by_text("正在以他人身份查看，只能看，不能办理。").first.wait_for()
    assert [entry for entry in began[len(before) :] if entry[0] != "root"] == []
    assert log(real_data) == began
