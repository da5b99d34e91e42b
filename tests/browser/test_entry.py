"""The tables of the 台账 kept in a browser: a row, a file, an export; what is refused; who sees what."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from etl import registers, uscc
from etl.ledger.schema import open_ledger
from etl.ledger.tables import Row
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.warehouse.scope import EVERYTHING
from tests.browser.conftest import ROOT, Site, Visitor, at_rest
from tests.browser.test_filing import english as latin

SLOW = 60_000
OPENINGS = 5
BODY = "91140900MADEM9999"
USCC = BODY + uscc.check_character(BODY)
WRONG = BODY + ("0" if USCC[-1] != "0" else "1")
ENTER, IMPORT, HISTORY = "录入", "导入", "修改记录"
CLIPPED = """() => [...document.querySelectorAll('.rs-scroll')]
  .filter(e => e.offsetParent && e.checkVisibility() && e.scrollWidth > e.clientWidth + 1)
  .map(e => e.innerText.slice(0, 40))"""

Open = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="module")
def entry_site(
    serve: Callable[[Path], Site], demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """A home of its own: what is recorded here is in nobody else's ledger."""
    return serve(shutil.copytree(demo_home, tmp_path_factory.mktemp("entry") / "home"))


@pytest.fixture(scope="module")
def work(entry_site: Site) -> Workplace:
    """The same ledger, to see what was recorded."""
    data = ROOT / "data"
    return Workplace(entry_site.home, open_ledger(entry_site.home), load_declared(data, data / "sample"))


@pytest.fixture
def at(entry_site: Site, browser: Browser) -> Open:
    """Opens a page as a role, in a browser profile of its own."""

    @contextmanager
    def opened(role: str, view: str, width: int = 1440) -> Generator[Visitor]:
        context = browser.new_context(viewport={"width": width, "height": 1000}, locale="zh-CN")
        outside: list[str] = []
        context.on(
            "request",
            lambda r: (
                outside.append(r.url)
                if not r.url.startswith((entry_site.address, "data:", "blob:"))
                else None
            ),
        )
        visitor = Visitor(entry_site, context, context.new_page(), outside)
        visitor.sign_in(role, f"/{view}")
        visitor.settle()
        yield visitor
        assert outside == []
        context.close()

    return opened


def english(page: Page) -> set[str]:
    """Latin words in sight; what a list tells a screen reader is out of it."""
    heard = " ".join(page.locator("[data-live-announcer]").all_inner_texts())
    return latin(page) - set(re.findall(r"[A-Za-z]+", heard))


def rows_of(work: Workplace, name: str) -> list[Row]:
    return registers.rows_of(work, name, EVERYTHING)


def tables(visitor: Visitor) -> list[str]:
    """The names of the tables that may be unfolded."""
    found = visitor.page.locator("[class*=st-key-maintain-]").all()
    classes = " ".join(one.get_attribute("class") or "" for one in found)
    return re.findall(r"st-key-maintain-(\w+)", classes)


def unfold(visitor: Visitor, name: str, way: str = "") -> Locator:
    """A table of the page's end, with one of its ways open."""
    page = visitor.page
    page.locator(f".st-key-maintain-{name} summary").click()
    table = page.locator(f".st-key-register-{name}")
    table.wait_for(timeout=SLOW)
    visitor.settle()
    if way:
        at_rest(table.locator(f".st-key-ways-{name}").get_by_text(way, exact=True)).click()
        table.locator("[data-testid=stForm]" if way != HISTORY else f".st-key-history-{name}-row").wait_for()
        visitor.settle()
    return table


def ways(table: Locator) -> list[str]:
    return [one for one in (ENTER, IMPORT, HISTORY, "导出 CSV") if table.get_by_text(one, exact=True).count()]


def fill(visitor: Visitor, table: str, /, **texts: str) -> None:
    """Type into a form's fields, by the field's own name; lists are chosen from."""
    for field, text in texts.items():
        place = visitor.page.locator(f"[class*='st-key-field-{table}-'][class*='-{field}']").first
        if place.locator("[role=combobox]").count():
            choose(visitor, place, text)
        else:
            place.locator("input, textarea").fill(text)


def choose(visitor: Visitor, place: Locator, text: str) -> None:
    option = visitor.page.get_by_role("option", name=text).first
    # An open list closes where the page scrolls or is drawn again.
    place.scroll_into_view_if_needed()
    for _ in range(OPENINGS):
        place.locator("button").last.click()
        try:
            option.click(timeout=2000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"no {text} is offered")


def press(visitor: Visitor, name: str, label: str) -> None:
    visitor.page.locator(f".st-key-register-{name}").get_by_role("button", name=label, exact=True).click()
    visitor.settle()


def test_a_row_that_is_entered_shows_after_the_new_build(at: Open, work: Workplace) -> None:
    with at("管理", "registry") as visitor:
        page = visitor.page
        (before,) = map(int, re.findall(r"名录共(\d+)家", page.locator(".rs-sentence").inner_text()))
        table = unfold(visitor, "registry", ENTER)
        assert english(page) == set()
        fill(
            visitor,
            "registry",
            uscc=USCC,
            name="示例录入一矿",
            county_code="宁武县",
            kind="工矿企业",
            is_large="是",
        )
        press(visitor, "registry", "登记")
        table.get_by_text("已登记1行。").wait_for(timeout=SLOW)
        page.get_by_text(re.compile(f"名录共{before + 1}家")).wait_for(timeout=SLOW)
        visitor.settle()
        assert english(page) == set()
        (row,) = [row for row in rows_of(work, "registry") if row["uscc"] == USCC]
        assert (row["name"], row["county_code"], row["unit_code"]) == ("示例录入一矿", "140925", USCC)
        # The fields begin afresh, for the next row.
        assert page.locator("[class*='-uscc'] input").input_value() == ""


def test_a_row_that_is_refused_says_so_at_its_fields_and_changes_nothing(at: Open, work: Workplace) -> None:
    before = rows_of(work, "registry")
    with at("分析", "registry") as visitor:
        page = visitor.page
        unfold(visitor, "registry", ENTER)
        fill(visitor, "registry", uscc=WRONG, county_code="宁武县", is_large="是", due_from="2026年十月")
        press(visitor, "registry", "登记")
        expect(page.locator(".rs-fielderror")).to_have_count(4)
        said = {
            one.evaluate(
                "e => e.closest('[data-testid=stColumn]').querySelector('label').innerText"
            ): one.inner_text()
            for one in page.locator(".rs-fielderror").all()
        }
        assert set(said) == {"统一社会信用代码 *", "企业名称 *", "单位类型 *", "应报起"}
        assert WRONG in said["统一社会信用代码 *"]
        assert "没有填写" in said["企业名称 *"]
        assert all(text.endswith("。") for text in said.values())
        assert english(page) == set()
        # What was typed stays.
        assert page.locator("[class*='-due_from'] input").input_value() == "2026年十月"
        assert rows_of(work, "registry") == before


def test_a_row_that_is_chosen_is_changed_and_its_past_kept(at: Open, work: Workplace) -> None:
    before = rows_of(work, "bills")
    old = before[-1]
    with at("铁路", "official") as visitor:
        table = unfold(visitor, "bills", ENTER)
        choose(visitor, table.locator(".st-key-change-bills-row"), old["operator"])
        visitor.settle()
        boxes = visitor.page.locator("[class*='-boxes'] input")
        expect(boxes).to_have_value(old["boxes"])
        fill(visitor, "bills", boxes="4321")
        press(visitor, "bills", "登记")
        table.get_by_text("已登记1行。").wait_for(timeout=SLOW)
        assert rows_of(work, "bills") == [*before[:-1], old | {"boxes": "4321"}]
        table.locator(".st-key-ways-bills").get_by_text(HISTORY, exact=True).click()
        choose(visitor, table.locator(".st-key-history-bills-row"), old["operator"])
        past = table.locator(".rs-table", has=visitor.page.get_by_text("登记时间"))
        past.wait_for()
        assert [past.locator("tbody tr").nth(n).locator("td").last.inner_text() for n in (0, 1)] == [
            "4321", old["boxes"],
        ]  # fmt: skip
        assert "页面录入" in past.inner_text()
        assert english(visitor.page) == set()


def bring(visitor: Visitor, name: str, path: Path) -> None:
    table = visitor.page.locator(f".st-key-register-{name}")
    table.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(path)
    table.locator("[data-testid=stFileChip]").wait_for(timeout=SLOW)
    press(visitor, name, IMPORT)


def test_a_wrong_file_is_listed_by_row_and_column_and_not_recorded(
    at: Open, work: Workplace, tmp_path: Path
) -> None:
    before = rows_of(work, "events")
    file = tmp_path / "事件.csv"
    file.write_text(
        "日期,对象类型,对象,说明\n2026-03-01,通道,朔黄,检修\n三月,通道,无此线,\n", encoding="gb18030"
    )
    with at("分析", "official") as visitor:
        table = unfold(visitor, "events", IMPORT)
        press(visitor, "events", IMPORT)
        table.get_by_text("还没有选择文件。").wait_for()
        bring(visitor, "events", file)
        found = table.locator(".rs-findings tbody tr")
        found.first.wait_for(timeout=SLOW)
        places = {row.locator("td").first.inner_text() for row in found.all()}
        assert places >= {"第3行“日期”列", "第3行“对象”列", "第3行“说明”列"}
        assert table.get_by_text("没有登记：“强制”问题3处，改正后重新导入。").is_visible()
        assert english(visitor.page) == set()
        assert rows_of(work, "events") == before


def test_an_export_is_imported_again_equal(at: Open, work: Workplace, tmp_path: Path) -> None:
    awkward = {"月份": "2026-02", "运营主体": '=示例，"一"公司\n＠二', "运单票数": "007", "箱数": "0"}
    assert registers.enter(work, "bills", [awkward], registers.Actor.of(EVERYTHING)).accepted
    before = rows_of(work, "bills")
    with at("分析", "official") as visitor:
        table = unfold(visitor, "bills", IMPORT)
        with visitor.page.expect_download(timeout=SLOW) as waiting:
            table.get_by_role("button", name="导出 CSV").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        assert path.name.startswith("一单制_")
        assert path.name.endswith("_演示数据.csv")
        text = path.read_text(encoding="utf-8-sig")
        assert text.startswith("# 演示数据")
        assert "\"'=示例" in text
        bring(visitor, "bills", path)
        table.get_by_text(f"已登记{len(before)}行。").wait_for(timeout=SLOW)
        assert rows_of(work, "bills") == before


@pytest.mark.parametrize(
    "role, view, seen, kept",
    [
        ("管理", "registry", ["registry", "contacts"], ["registry", "contacts"]),
        ("领导", "registry", ["registry"], []),
        ("县区", "registry", ["registry", "contacts"], []),
        ("企业", "enterprise", ["contacts"], ["contacts"]),
        ("管理", "spurs", ["spurs"], ["spurs"]),
        ("领导", "spurs", ["spurs"], []),
        ("铁路", "official", ["official", "targets", "events", "bills", "station_list"],
         ["official", "bills", "station_list"]),
        ("领导", "official", ["official", "targets", "events", "bills", "station_list"], []),
    ],
)  # fmt: skip
def test_who_sees_a_table_and_who_keeps_it(
    at: Open, role: str, view: str, seen: list[str], kept: list[str]
) -> None:
    with at(role, view) as visitor:
        assert tables(visitor) == seen
        for name in seen:
            table = unfold(visitor, name)
            offered = ways(table)
            assert (ENTER in offered, IMPORT in offered) == (name in kept, name in kept), name
            # Whoever reads parts of cells only could not import what is exported.
            assert ("导出 CSV" in offered) == ((role, name) != ("管理", "contacts")), name
            visitor.page.locator(f".st-key-maintain-{name} summary").click()
            table.wait_for(state="detached")


def test_contacts_are_masked_but_for_who_reviews(at: Open, work: Workplace) -> None:
    address = rows_of(work, "contacts")[0]["email"]
    for role, is_whole in (("管理", False), ("分析", True)):
        with at(role, "registry") as visitor:
            text = unfold(visitor, "contacts").inner_text()
            assert (address in text, "***" in text) == (is_whole, not is_whole)


@pytest.mark.parametrize(
    "view, name", [("registry", "registry"), ("spurs", "spurs"), ("official", "targets")]
)
def test_forms_and_their_refusals_fit_a_telephone(at: Open, view: str, name: str) -> None:
    with at("分析", view, 390) as visitor:
        page = visitor.page
        unfold(visitor, name, ENTER)
        press(visitor, name, "登记")
        page.locator(".rs-fielderror").first.wait_for()
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
        at_rest(page.locator(f".st-key-ways-{name}").get_by_text(IMPORT, exact=True)).click()
        page.locator("[data-testid=stFileUploaderDropzone]").wait_for()
        visitor.settle()
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
        assert english(page) == set()


@pytest.mark.parametrize("width", [1440, 1280])
def test_no_table_is_cut_on_a_desk(at: Open, width: int) -> None:
    with at("分析", "registry", width) as visitor:
        for view in ("registry", "spurs", "official"):
            visitor.open(f"/{view}")
            assert visitor.page.evaluate(CLIPPED) == [], view
