"""Sign-in in a browser: nothing before it, only one's own after it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from etl.demo import MARKER
from tests.browser.conftest import ROOT, Site, Visitor, environment
from tests.browser.test_pages import VIEWS, unit_of


@pytest.mark.parametrize("view", ["", *VIEWS])
def test_a_deep_link_before_sign_in_shows_only_the_sign_in(visitor: Visitor, view: str) -> None:
    requested: list[str] = []
    visitor.page.on("request", lambda r: requested.append(r.url))
    visitor.page.goto(f"{visitor.site.address}/{view}?year=2024")
    assert urlpath(visitor.page.url) == "/signin"
    assert "演示登录" in visitor.page.locator("body").inner_text()
    assert visitor.page.locator("[data-testid=stApp]").count() == 0
    assert not any("/static/js/" in url or "_stcore" in url for url in requested)


def test_a_deep_link_continues_after_the_sign_in(visitor: Visitor) -> None:
    visitor.sign_in("分析", quote("/corridors?year=2024", safe=""))
    visitor.settle()
    assert urlpath(visitor.page.url) == "/corridors"
    assert visitor.filters()[0] == "2024"


def test_another_host_is_no_place_to_go_on(visitor: Visitor) -> None:
    visitor.sign_in("分析", quote("//evil.example/x", safe=""))
    visitor.settle()
    assert visitor.page.url.startswith(visitor.site.address)
    assert visitor.outside == []


def test_the_cookie_is_out_of_reach_of_scripts(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    cookie = next(c for c in visitor.context.cookies() if c["name"] == "railshift_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "railshift_session" not in visitor.page.evaluate("document.cookie")


def test_a_form_without_its_token_signs_nobody_in(site: Site) -> None:
    request = urllib.request.Request(f"{site.address}/signin", data=b"who=0&csrf=x", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
    assert "railshift_session" not in str(refused.value.headers)
    refused.value.close()


def test_another_host_name_is_refused(site: Site) -> None:
    request = urllib.request.Request(f"{site.address}/signin", headers={"Host": "rail.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403
    refused.value.close()


def test_signing_out_ends_the_session(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.settle()
    visitor.page.get_by_role("button", name="退出").click()
    visitor.page.wait_for_url(re.compile("/signin"))
    visitor.page.goto(f"{visitor.site.address}/overview")
    assert urlpath(visitor.page.url) == "/signin"


def test_a_page_left_open_shows_nothing_more_after_signing_out(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/overview")
    other = visitor.context.new_page()
    other.goto(f"{visitor.site.address}/corridors")
    other.locator(".rs-who button").click()
    other.wait_for_url(re.compile("/signin"))
    visitor.page.get_by_role("link", name="企业", exact=True).click()
    visitor.page.get_by_text("登录已结束。").wait_for()
    assert visitor.page.locator(".rs-units, .rs-cards").count() == 0


def test_an_enterprise_opens_its_own_page_and_no_other(visitor: Visitor, browser: Browser) -> None:
    analyst = Visitor(visitor.site, context := browser.new_context(), context.new_page(), [])
    analyst.sign_in("分析")
    analyst.open("/enterprises")
    codes = [unit_of(link) for link in analyst.page.locator(".rs-units a").all()]
    context.close()
    visitor.sign_in("企业", "/enterprise")
    visitor.settle()
    own = visitor.page.locator(".rs-unitfacts").inner_text()
    assert urlpath(visitor.page.url) == "/enterprise"
    others = [code for code in codes if code not in own]
    assert others
    visitor.open(f"/enterprise?unit={others[0]}")
    assert visitor.page.locator(".rs-empty").is_visible()
    assert visitor.page.locator(".rs-unitfacts, .rs-cards, table").count() == 0
    closed = {
        "reporting": "报送进度", "corridors": "通道", "enterprises": "企业", "registry": "名录",
        "spurs": "专用线台账", "official": "官方数",
    }  # fmt: skip
    for view, name in closed.items():
        visitor.open(f"/{view}")
        assert f"“企业”身份不查看“{name}”页。" in visitor.page.locator(".rs-empty").inner_text()


def test_a_unit_that_does_not_exist_is_a_sentence(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/enterprise?unit=%3Cb%3E0")
    assert visitor.page.locator(".rs-empty").is_visible()
    assert visitor.page.locator("[data-testid=stAlert]").count() == 0


def test_an_unknown_address_is_a_sentence(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.settle()
    visitor.page.goto(f"{visitor.site.address}/nothing")
    assert "没有这个页面" in visitor.page.locator("body").inner_text()


def test_without_any_data_the_page_says_what_to_run(
    serve: Callable[[Path], Site], browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / MARKER).write_text("演示数据", encoding="utf-8")
    site = serve(tmp_path)
    context = browser.new_context(locale="zh-CN")
    visitor = Visitor(site, context, context.new_page(), [])
    visitor.sign_in("分析")
    visitor.page.locator(".rs-empty").wait_for()
    assert "railshift build" in visitor.page.locator(".rs-empty").inner_text()
    context.close()


def test_the_end_of_the_command_is_the_end_of_the_service(demo_home: Path) -> None:
    """A service manager ends `railshift serve` and nothing else."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "etl.cli", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(demo_home), stdout=subprocess.DEVNULL
    ) as serving:
        try:
            assert answers(port, until=lambda: serving.poll() is not None)
        finally:
            serving.terminate()
        serving.wait()
    assert not answers(port, until=lambda: True)


def answers(port: int, until: Callable[[], bool]) -> bool:
    """Whether the service answers; asked again until it does, or until it will not."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                return answer.status == 200
        except OSError:
            if until():
                return False
            time.sleep(0.2)


def urlpath(url: str) -> str:
    return "/" + url.split("/", 3)[3].split("?")[0]
