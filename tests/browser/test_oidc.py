"""统一身份认证 in a browser, against a provider of these tests on loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser

from dashboard import cookies, oidc
from tests.browser.conftest import RealData, Site, Visitor, free_port
from tests.browser.test_access import urlpath
from tests.browser.test_accounts import log

# The provider of the tests uses what its library will drop; that is not ours to repair.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")
VERIFIED, UNVERIFIED = "li@xinzhou.example", "wang@xinzhou.example"
PEOPLE = (
    User(sub="zhang-sub", claims={"email": "zhang@xinzhou.example"}),
    User(sub="li-sub", claims={"email": VERIFIED, "email_verified": True}),
    User(sub="wang-sub", claims={"email": UNVERIFIED, "email_verified": False}),
    User(sub="stranger", claims={"email": "stranger@elsewhere.example", "email_verified": True}),
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with run_server_in_thread(user_claims=PEOPLE) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def real(serve: Callable[..., Site], real_data: RealData, provider: str) -> Site:
    port = free_port()
    settings = {
        cookies.URL_VARIABLE: f"http://127.0.0.1:{port}", oidc.ISSUER: provider, oidc.CLIENT: "railshift",
        oidc.SECRET: "a secret of these tests",
    }  # fmt: skip
    for name, bound in (
        ("zhang", ["--subject", "zhang-sub"]), ("lingdao", ["--email", VERIFIED]),
        ("baode", ["--email", UNVERIFIED]),
    ):  # fmt: skip
        real_data.run("account", "bind", name, "--issuer", provider, *bound)
    return serve(real_data.home, real_data.data, {**real_data.more, **settings}, port)


@pytest.fixture
def someone(real: Site, browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(locale="zh-CN")
    yield Visitor(real, context, context.new_page(), [])
    context.close()


def come(visitor: Visitor, subject: str, following: str = "") -> None:
    """Sign in at the provider as one of its people."""
    visitor.page.goto(f"{visitor.site.address}/signin" + (f"?next={following}" if following else ""))
    visitor.page.get_by_role("link", name="用统一身份认证登录").click()
    visitor.page.get_by_role("button", name=subject, exact=True).first.click()


def cookie_names(visitor: Visitor) -> set[str]:
    host = visitor.site.address.partition("//")[2].partition(":")[0]
    return {cookie["name"] for cookie in visitor.context.cookies() if cookie["domain"] == host}


def test_who_is_bound_comes_in_where_he_wanted_and_goes_out_again(
    someone: Visitor, real_data: RealData
) -> None:
    come(someone, "zhang-sub", quote("/corridors?year=2024", safe=""))
    someone.settle()
    assert urlpath(someone.page.url) == "/corridors"
    assert someone.filters()[0] == "2024"
    assert "分析 · 张三" in someone.page.locator(".rs-who").inner_text()
    assert log(real_data)[-1] == ("zhang", "登录")
    # Streamlit's cookie would open the pages for thirty days, whatever the ledger says.
    assert not any(name.startswith("_streamlit_user") for name in cookie_names(someone))
    someone.page.get_by_role("button", name="退出").click()
    someone.page.wait_for_url(re.compile("/signin"))
    assert cookies.SESSION not in cookie_names(someone)
    someone.page.goto(f"{someone.site.address}/overview")
    assert urlpath(someone.page.url) == "/signin"


def test_a_verified_mail_lets_in_and_an_unverified_one_does_not(someone: Visitor) -> None:
    come(someone, "wang-sub")
    assert "没有对应的账号" in someone.page.get_by_role("alert").inner_text()
    come(someone, "li-sub")
    someone.settle()
    assert "领导 · 李领导" in someone.page.locator(".rs-who").inner_text()


def test_who_has_no_account_sees_a_sentence_and_nothing_else(someone: Visitor, real_data: RealData) -> None:
    come(someone, "stranger")
    assert someone.page.get_by_role("alert").inner_text() == "该身份没有对应的账号，请联系系统管理员。"
    assert someone.page.locator("[data-testid=stApp]").count() == 0
    assert cookies.SESSION not in cookie_names(someone)
    assert log(real_data)[-1] == ("未知账号", "登录失败")
    someone.page.goto(f"{someone.site.address}/overview")
    assert urlpath(someone.page.url) == "/signin"


def test_a_locked_account_does_not_come_in(someone: Visitor, real_data: RealData) -> None:
    real_data.run("account", "lock", "lingdao")
    try:
        come(someone, "li-sub")
        assert "账号已被锁定" in someone.page.get_by_role("alert").inner_text()
    finally:
        real_data.run("account", "unlock", "lingdao")
    assert cookies.SESSION not in cookie_names(someone)


def test_who_says_no_at_the_provider_is_told_that_it_did_not_succeed(someone: Visitor) -> None:
    someone.page.goto(f"{someone.site.address}/signin")
    someone.page.get_by_role("link", name="用统一身份认证登录").click()
    someone.page.get_by_role("button", name="Deny").click()
    assert "没有成功" in someone.page.get_by_role("alert").inner_text()
    assert cookies.SESSION not in cookie_names(someone)


def test_an_answer_that_nobody_asked_for_lets_nobody_in(someone: Visitor) -> None:
    someone.page.goto(f"{someone.site.address}/oauth2callback?code=x&state=y")
    assert "没有成功" in someone.page.get_by_role("alert").inner_text()
    assert cookies.SESSION not in cookie_names(someone)


def test_another_host_is_no_place_to_go_on(someone: Visitor) -> None:
    come(someone, "zhang-sub", quote("//evil.example/x", safe=""))
    someone.settle()
    assert someone.page.url.startswith(someone.site.address)


def test_an_account_of_the_provider_is_known_by_who_issued_it(
    someone: Visitor, real_data: RealData, provider: str
) -> None:
    real_data.run(
        "account", "bind", "zhang", "--issuer", "https://elsewhere.example", "--subject", "zhang-sub"
    )
    try:
        come(someone, "zhang-sub")
        assert "没有对应的账号" in someone.page.get_by_role("alert").inner_text()
    finally:
        real_data.run("account", "bind", "zhang", "--issuer", provider, "--subject", "zhang-sub")
