"""The review in browsers that are open at once: a clerk, a county, and two reviewers of the city.

Upload → first review → sent back, pointing at a row → corrected there → passed by county and city → published →
locked → corrected once more, with what that does to published figures shown before and kept after.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, TimeoutError, expect

from dashboard.grid import FIRST_ROW
from tests.browser.conftest import DATA, Site, Visitor, run_cli
from tests.browser.test_filing import (
    HEADER_ROW,
    OPENINGS,
    SLOW,
    download,
    english,
    explain_all,
    filled,
    press,
    type_tonnes,
    upload,
)

MONTH = "2026-09"
CLERK, COUNTY, CITY = "企业", "县区", "分析"
RUNNING, FAILED = "正在生成新的数据版本", "最近一次生成没有完成"
# The first account of the chooser: the largest unit of the county whose reviewer the chooser offers.
UNIT = "91140900MADEM0011P"
NAME = "示例煤业一矿"

Open = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The declared data with the county review on, and a sample in which the unit has not sent the last month."""
    data = shutil.copytree(DATA, tmp_path_factory.mktemp("declared") / "data")
    plan = data / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    assert "county_review = false" in text
    plan.write_text(text.replace("county_review = false", "county_review = true"), encoding="utf-8")
    month = data / "sample" / "returns" / f"{MONTH}.csv"
    lines = month.read_text(encoding="utf-8-sig").splitlines()
    place = next(csv.reader(line for line in lines if not line.startswith("#"))).index("统一社会信用代码")
    kept = [line for line in lines if line.startswith("#") or next(csv.reader([line]))[place] != UNIT]
    assert len(kept) < len(lines)
    month.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def review_site(serve: Callable[..., Site], declared: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    home = tmp_path_factory.mktemp("review") / "home"
    built = run_cli(home, "demo", data=declared)
    assert built.returncode == 0, built.stderr
    return serve(home, declared)


@pytest.fixture
def opened(review_site: Site, browser: Browser) -> Open:
    """Opens a page in a browser profile of its own under a role; the first account of it."""

    @contextmanager
    def as_role(role: str, page: str = "/review", width: int = 1440) -> Generator[Visitor]:
        context = browser.new_context(viewport={"width": width, "height": 1000}, locale="zh-CN")
        outside: list[str] = []
        inside = (review_site.address, "data:", "blob:")
        context.on("request", lambda r: None if r.url.startswith(inside) else outside.append(r.url))
        visitor = Visitor(review_site, context, context.new_page(), outside)
        visitor.sign_in(role, page)
        visitor.settle()
        yield visitor
        assert outside == []
        context.close()

    return as_role


@contextmanager
def _without_rows(site: Site) -> Generator[None]:
    """A file of accepted rows is away: a build fails."""
    file = max((site.home / "rows").iterdir(), key=lambda each: each.stat().st_size)
    away = file.rename(file.with_suffix(".away"))
    yield
    away.rename(file)


def sentence(visitor: Visitor) -> str:
    return visitor.page.locator(".rs-sentence").inner_text()


def says(visitor: Visitor, text: str | re.Pattern[str]) -> None:
    expect(visitor.page.locator(".rs-sentence")).to_have_text(text, timeout=SLOW)
    visitor.settle()


def done(visitor: Visitor, text: str) -> None:
    """The act was done and said so."""
    expect(visitor.page.locator(".rs-done")).to_contain_text(text, timeout=SLOW)
    visitor.settle()


def refresh(visitor: Visitor, path: str = "/review") -> None:
    visitor.open(path)


def fits(visitor: Visitor) -> bool:
    return visitor.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")


def open_case(visitor: Visitor) -> None:
    """The only return that waits."""
    visitor.page.get_by_role("button", name="打开", exact=True).click()
    visitor.page.get_by_role("heading", name="办理经过").wait_for(timeout=SLOW)
    visitor.settle()


def is_published(visitor: Visitor) -> None:
    """No build runs any more: the notice is gone by itself."""
    expect(visitor.page.get_by_text(RUNNING)).to_have_count(0, timeout=SLOW)
    visitor.settle()


def send(visitor: Visitor) -> None:
    explain_all(visitor)
    visitor.page.get_by_role("button", name="上报", exact=True).click()
    visitor.page.locator(".rs-receipt").wait_for(timeout=SLOW)
    visitor.settle()


def version(site: Site) -> str:
    return (site.home / "warehouse" / "CURRENT").read_text(encoding="utf-8")


def test_from_the_upload_to_the_amendment(opened: Open, review_site: Site, tmp_path: Path) -> None:
    with opened(CLERK, "/filing") as clerk, opened(COUNTY) as county, opened(CITY) as city:
        says(county, "目前没有待审核的月报。")
        assert english(county.page) == english(city.page) == set()
        first = version(review_site)
        _uploaded(clerk, tmp_path)
        _sent_back_by_the_county(county, city)
        _corrected_at_the_row(clerk)
        _passed_by_the_county(county)
        _decided_by_two_at_once(city, opened)
        assert version(review_site) != first
        _locked(city)
        _amended(clerk, county, tmp_path)
        _accepted_with_its_effect(city, county)


def _uploaded(clerk: Visitor, folder: Path) -> None:
    template = download(clerk, "下载模板", folder)
    upload(clerk, filled(template, folder / "上报.xlsx"))
    send(clerk)


def _sent_back_by_the_county(county: Visitor, city: Visitor) -> None:
    refresh(city)
    says(city, "待县级初审1件，都是今天收到的。")
    # Not the city's turn: read, but not decided.
    assert city.page.locator("[class*=st-key-pick-]").count() == 0
    open_case(city)
    assert city.page.get_by_text("这份月报待县级初审，不由当前身份办理。").is_visible()
    assert city.page.get_by_role("button", name="通过", exact=True).count() == 0

    refresh(county)
    open_case(county)
    assert english(county.page) == set()
    assert sentence(county).startswith(f"{NAME}2026年9月月报：")
    # Without a reason nothing is sent back.
    press(county, "退回")
    county.page.locator(".st-key-trouble", has_text="退回须写明原因").wait_for()
    county.settle()
    press(county, "开始审核")
    done(county, "已开始县级初审")
    _point_at(county, HEADER_ROW + 2)
    press(county, "写进原因")
    box = county.page.locator(".st-key-case-return textarea")
    expect(box).to_have_value(f"第{HEADER_ROW + 2}行：")
    box.press_sequentially("请核对运量")
    # The click follows the typed text at once.
    county.page.get_by_role("button", name="退回", exact=True).click()
    county.page.get_by_text("已退回：").wait_for(timeout=SLOW)
    county.settle()
    says(county, "目前没有待审核的月报。")


def _point_at(county: Visitor, row: int) -> None:
    option = county.page.get_by_role("option", name=re.compile(f"第{row}行"))
    # A list that opens while the page still scrolls to it closes again.
    for _ in range(OPENINGS):
        county.page.locator(".st-key-point button[aria-haspopup=listbox]").click()
        try:
            option.click(timeout=2000)
        except TimeoutError:
            continue
        county.settle()
        return
    raise AssertionError("the list of rows does not open")


def _corrected_at_the_row(clerk: Visitor) -> None:
    refresh(clerk, "/filing")
    assert f"原因：第{HEADER_ROW + 2}行：请核对运量" in clerk.page.locator("body").inner_text()
    press(clerk, "修改9月月报")
    clerk.page.get_by_text(f"退回原因所指：原文件第{HEADER_ROW + 2}行是下表的第{FIRST_ROW + 1}行").wait_for(
        timeout=SLOW
    )
    clerk.settle()
    clerk.page.locator("[data-testid=data-grid-canvas] tbody tr").first.wait_for(state="attached")
    type_tonnes(clerk, 1, "23456")
    press(clerk, "试校验")
    clerk.page.locator(".rs-verdict").wait_for(timeout=SLOW)
    clerk.settle()
    send(clerk)


def _passed_by_the_county(county: Visitor) -> None:
    refresh(county)
    says(county, "待县级初审1件，都是今天收到的。")
    county.page.locator("[class*=st-key-pick-] label", has_text=NAME).click()
    county.settle()
    press(county, "初审通过")
    done(county, f"初审已通过：{NAME}2026年9月月报")
    says(county, "待市级审核1件，都是今天收到的。")
    assert county.page.locator("[class*=st-key-pick-]").count() == 0


def _decided_by_two_at_once(city: Visitor, opened: Open) -> None:
    with opened(CITY) as other:
        refresh(city)
        for one in (city, other):
            open_case(one)
            text = one.page.locator(".rs-sent").inner_text()
            assert "23456" in text
        city.page.get_by_role("button", name="通过", exact=True).dblclick()
        city.page.get_by_text(f"已通过：{NAME}2026年9月月报").wait_for(timeout=SLOW)
        city.settle()
        # The second click of the two did nothing, and said nothing.
        assert city.page.locator(".st-key-trouble").count() == 0
        other.page.get_by_role("button", name="退回", exact=True).scroll_into_view_if_needed()
        other.page.locator(".st-key-case-return textarea").fill("再核对")
        press(other, "退回")
        trouble = other.page.locator(".st-key-trouble").inner_text()
        assert re.search(r"的报表已由市交通运输局改为“通过”（\d\d:\d\d），这次没有办理。", trouble)
        assert sentence(other).endswith("吨，已通过。")
        expect(other.page.get_by_role("button", name="退回", exact=True)).to_have_count(0)
        press(other, "返回列表")
        says(other, "目前没有待审核的月报。")
        for one in (city, other):
            is_published(one)
            assert one.page.get_by_text(FAILED).count() == 0


def _locked(city: Visitor) -> None:
    note = city.page.locator(".rs-note", has_text="不锁定：")
    # Of the others of that month it is said who is not accepted yet.
    assert re.match(r"2026年9月：应报\d+家，已通过\d+家；尚未通过\d+家，不锁定：", note.inner_text())
    press(city, "锁定9月")
    city.page.get_by_text("锁定不能撤销").wait_for()
    city.settle()
    press(city, "确认锁定")
    done(city, "2026年9月：已锁定")


def _amend(clerk: Visitor, folder: Path, month: str, tonnes: int, reason: str) -> None:
    """Correct an accepted month: the flows of the month before with other tonnes."""
    refresh(clerk, "/filing")
    clerk.page.locator(".st-key-choosers button[aria-haspopup=listbox]").click()
    clerk.page.get_by_role("option", name=month, exact=True).click()
    clerk.settle()
    clerk.page.get_by_text("上传文件", exact=True).click()
    clerk.settle()
    template = download(clerk, "下载模板", folder)
    upload(clerk, filled(template, folder / f"更正{tonnes}.xlsx", 运量吨=str(tonnes)))
    box = clerk.page.locator("[data-testid=stTextArea]", has_text="更正的原因").locator("textarea")
    box.fill(reason)
    box.blur()
    clerk.settle()
    send(clerk)


def _amended(clerk: Visitor, county: Visitor, folder: Path) -> None:
    _amend(clerk, folder, "2026年9月", 900_000, "漏填列车")
    refresh(county)
    open_case(county)
    county.page.locator(".rs-effect li").first.wait_for(timeout=SLOW)
    county.settle()
    press(county, "初审通过")
    done(county, "初审已通过")


def _accepted_with_its_effect(city: Visitor, county: Visitor) -> None:
    refresh(city)
    assert "更正" in city.page.locator(".rs-waitmarks").inner_text()
    # In the list, too, the effect comes before the button.
    city.page.locator("[class*=st-key-pick-] label", has_text=NAME).click()
    city.page.get_by_role("button", name="查看所选更正的影响").wait_for()
    city.settle()
    assert city.page.get_by_role("button", name="通过", exact=True).count() == 0
    press(city, "查看所选更正的影响")
    city.page.locator(".rs-effect li").first.wait_for(timeout=SLOW)
    city.settle()
    together = city.page.locator(".rs-effect li").all_inner_texts()
    assert city.page.get_by_role("button", name="通过", exact=True).count() == 1
    open_case(city)
    shown = city.page.locator(".rs-effect li").all_inner_texts()
    assert shown == together
    assert any("→" in line for line in shown)
    assert "修改" in city.page.locator(".rs-changes").inner_text()
    assert english(city.page) == set()
    press(city, "通过")
    done(city, f"已通过：{NAME}")
    is_published(city)
    kept = city.page.locator(".rs-revision").first
    assert kept.locator("li").all_inner_texts() == shown
    assert "漏填列车" in kept.inner_text()
    # The county of the unit reads the same record; who did what stands with each version.
    refresh(county)
    assert county.page.locator(".rs-revision li").all_inner_texts() == shown


def test_an_approval_that_is_not_published_says_so_to_staff_alone(
    opened: Open, review_site: Site, tmp_path: Path
) -> None:
    """Accepted rows of another unit are gone from the disk: the approval stands, the build fails."""
    before = version(review_site)
    with opened(CLERK, "/filing") as clerk, opened(COUNTY) as county, opened(CITY) as city:
        _amend(clerk, tmp_path, "2026年8月", 910_000, "演示：更正")
        refresh(county)
        open_case(county)
        county.page.locator(".rs-effect").wait_for(timeout=SLOW)
        press(county, "初审通过")
        refresh(city)
        open_case(city)
        city.page.locator(".rs-effect").wait_for(timeout=SLOW)
        city.settle()
        with _without_rows(review_site):
            press(city, "通过")
            done(city, f"已通过：{NAME}")
            failed = city.page.locator(".rs-failed")
            failed.wait_for(timeout=SLOW)
            assert FAILED in failed.inner_text()
            assert "页面仍显示上一版本" in failed.inner_text()
            is_published(city)
        assert version(review_site) == before
        refresh(county)
        assert county.page.get_by_text(FAILED).count() == 0
        assert "系统错误" not in city.page.locator("body").inner_text()
        built = run_cli(review_site.home, "build", data=review_site.data)
        assert built.returncode == 0, built.stderr
        refresh(city)
        assert city.page.get_by_text(FAILED).count() == 0
        assert version(review_site) != before


@pytest.mark.parametrize("width", [390])
def test_the_page_fits_a_narrow_screen(opened: Open, tmp_path: Path, width: int) -> None:
    with opened(CLERK, "/filing") as clerk:
        _amend(clerk, tmp_path, "2026年7月", 920_000, "演示：更正")
    for role in (COUNTY, CITY):
        with opened(role, width=width) as visitor:
            assert fits(visitor)
            open_case(visitor)
            visitor.page.get_by_text("各版本", exact=True).wait_for(timeout=SLOW)
            visitor.settle()
            assert fits(visitor)
            press(visitor, "打开第1版")
            says(visitor, re.compile(f"{NAME}2026年7月月报：.*吨，已通过。"))
            assert visitor.page.get_by_role("button", name="退回", exact=True).count() == 0
            assert english(visitor.page) == set()


def test_nobody_else_opens_the_page(opened: Open) -> None:
    for role in ("领导", CLERK):
        with opened(role, "/rules") as visitor:
            refresh(visitor)
            assert f"“{role}”身份不查看“审核”页。" in visitor.page.locator(".rs-empty").inner_text()
