"""The clerk's path in a browser: from the template over a wrong file to the receipt; the grid; a draft."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, TimeoutError

from tests.browser.conftest import Site, Visitor, latin_words

# Names of programs, and of what stands on a key.
NAMES = {"Excel", "Ctrl", "Delete", "xlsx", "where"}
LIMIT = 10 * 2**20
HEADER_ROW = 8
TONNES_AT = 1040
BESIDE_TONNES = 940
ROW_HEIGHT = 31
OPENINGS = 10
SLOW = 60_000

Open = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="module")
def filing_site(
    serve: Callable[[Path], Site], demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """A home of its own: what is sent here is in nobody else's ledger."""
    return serve(shutil.copytree(demo_home, tmp_path_factory.mktemp("filing") / "home"))


@pytest.fixture
def clerk(filing_site: Site, browser: Browser) -> Open:
    """Opens 填报 in a browser profile of its own, as one of the 企业 accounts; the last one has a month to file."""

    @contextmanager
    def opened(account: int = -1, width: int = 1440) -> Generator[Visitor]:
        context = browser.new_context(viewport={"width": width, "height": 1000}, locale="zh-CN")
        outside: list[str] = []
        context.on(
            "request",
            lambda r: (
                outside.append(r.url)
                if not r.url.startswith((filing_site.address, "data:", "blob:"))
                else None
            ),
        )
        page = context.new_page()
        visitor = Visitor(filing_site, context, page, outside)
        page.goto(f"{filing_site.address}/signin?next=/filing")
        accounts = page.locator("button", has=page.locator("b", has_text="企业"))
        accounts.nth(account if account >= 0 else accounts.count() + account).click()
        visitor.settle()
        yield visitor
        assert outside == []
        context.close()

    return opened


def english(page: Page) -> set[str]:
    return latin_words(page, NAMES)


def upload(visitor: Visitor, path: Path) -> None:
    visitor.page.set_input_files("[data-testid=stFileUploaderDropzoneInput]", path)
    visitor.page.get_by_text(f"当前文件：{path.name}").wait_for(timeout=SLOW)
    visitor.settle()


def press(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("button", name=name, exact=True).click()
    visitor.settle()


def download(visitor: Visitor, name: str, folder: Path) -> Path:
    with visitor.page.expect_download(timeout=SLOW) as waiting:
        visitor.page.get_by_role("button", name=name).first.click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def filled(template: Path, path: Path, **first_row: str) -> Path:
    """The template with tonnes in each row; `first_row`: other cells of the first flow."""
    book = openpyxl.load_workbook(template)
    sheet = book["月报"]
    columns = {sheet.cell(HEADER_ROW, n).value: n for n in range(1, sheet.max_column + 1)}
    row = HEADER_ROW + 1
    while sheet.cell(row, columns["货类"]).value:
        sheet.cell(row, columns["运量吨"], 20_000 + row)
        row += 1
    assert row > HEADER_ROW + 1
    for header, text in first_row.items():
        sheet.cell(HEADER_ROW + 1, columns[header], text)
    book.save(path)
    return path


def explain_all(visitor: Visitor) -> None:
    for box in visitor.page.locator("[data-testid=stTextArea]", has_text="的说明（写明原因").all():
        box.locator("textarea").fill("演示：本月检修")
        box.locator("textarea").blur()
        visitor.settle()


def test_from_the_template_over_a_wrong_file_to_the_receipt(clerk: Open, tmp_path: Path) -> None:
    with clerk() as visitor:
        page = visitor.page
        assert english(page) == set()
        # Larger than may be sent: said in Chinese, and the way on stays open.
        large = tmp_path / "太大.xlsx"
        large.write_bytes(b"x" * (LIMIT + 1))
        page.set_input_files("[data-testid=stFileUploaderDropzoneInput]", large)
        page.locator("[data-testid=stFileChip][aria-invalid=true]").wait_for()
        said = page.locator("[data-testid=stFileUploaderDropzone]").evaluate(
            "e => getComputedStyle(e, '::after').content"
        )
        assert "不超过10MB" in said
        assert english(page) == set()

        template = download(visitor, "下载模板", tmp_path)
        wrong = filled(template, tmp_path / "填错.xlsx", 运量吨="约三百", 方向="发 运")
        upload(visitor, wrong)
        place = page.locator(".rs-findings tr", has_text=f"第{HEADER_ROW + 1}行“运量吨”列").first
        assert "约三百" in place.inner_text()
        assert "不是数" in place.inner_text()
        assert page.get_by_role("button", name="上报", exact=True).is_disabled()
        annotated = openpyxl.load_workbook(download(visitor, "下载带批注的工作簿", tmp_path))
        assert "校验结果" in annotated.sheetnames

        right = filled(template, tmp_path / "改好.xlsx", 运量吨="２００００")
        upload(visitor, right)
        page.get_by_role("button", name="一键修正").click()
        page.get_by_text("当前文件：改好-已修正.xlsx").wait_for(timeout=SLOW)
        visitor.settle()
        assert page.get_by_text("２００００").is_visible()
        explain_all(visitor)
        page.get_by_role("button", name="上报", exact=True).dblclick()
        page.locator(".rs-receipt").wait_for(timeout=SLOW)
        visitor.settle()
        assert page.locator(".rs-receipt").count() == 1
        assert "已上报，等待审核" in page.locator(".rs-receipt").inner_text()
        for paper in ("下载回执 PDF", "下载打印盖章表 PDF"):
            assert download(visitor, paper, tmp_path).read_bytes().startswith(b"%PDF-")


def type_tonnes(visitor: Visitor, row: int, text: str) -> None:
    """Type a flow's 运量吨. A rerun may close the editor or take the focus, so it is opened again."""
    page = visitor.page
    editor = page.locator("textarea.gdg-input")
    # At the widths and heights that the grid has.
    height = ROW_HEIGHT * (row + 1.5)
    for _ in range(OPENINGS):
        page.keyboard.press("Escape")
        # From the cell beside it: a click on the chosen cell would open it, and Enter close it again.
        page.locator(".dvn-scroller").click(position={"x": BESIDE_TONNES, "y": height})
        page.locator(".dvn-scroller").click(position={"x": TONNES_AT, "y": height})
        page.keyboard.press("Enter")
        try:
            editor.fill(text, timeout=2000)
            page.keyboard.press("Enter")
            editor.wait_for(state="detached", timeout=2000)
        except TimeoutError:
            continue
        # The grid tells the server a moment after its cell is closed.
        page.wait_for_timeout(500)
        visitor.settle()
        return
    raise AssertionError(f"the cell of row {row} does not take its number")


def test_the_grid_takes_tonnes_as_they_are_typed(clerk: Open) -> None:
    with clerk() as visitor:
        page = visitor.page
        page.get_by_text("在线填报", exact=True).click()
        grid = page.locator("[data-testid=data-grid-canvas]")
        grid.wait_for()
        visitor.settle()
        # The grid is a picture; its table for screen readers follows a moment later.
        grid.locator("tbody tr").first.wait_for(state="attached")
        rows = grid.locator("tbody tr").count()
        for row in range(rows):
            type_tonnes(visitor, row, f"20,{100 + row}")
        press(visitor, "试校验")
        page.locator(".rs-verdict").wait_for(timeout=SLOW)
        visitor.settle()
        # A separator is read and said; nothing stops.
        assert "强制" not in page.locator(".rs-verdict").inner_text()
        whole = sum(20_100 + row for row in range(rows))
        assert f"共{rows}行，{whole}吨" in page.locator(".rs-verdict").inner_text()
        assert english(page) == set()
        page.get_by_role("button", name="一键修正").click()
        page.get_by_text(f"一键修正了{rows}处").wait_for(timeout=SLOW)
        visitor.settle()
        grid.locator("td", has_text="20100").wait_for(state="attached")
        explain_all(visitor)
        page.get_by_role("button", name="上报", exact=True).click()
        page.locator(".rs-receipt").wait_for(timeout=SLOW)
        assert f"{rows}行，{whole}吨" in page.locator(".rs-receipt").inner_text()


def test_a_draft_waits_for_its_own_account_in_another_browser(clerk: Open, tmp_path: Path) -> None:
    with clerk() as visitor:
        kept = filled(download(visitor, "下载模板", tmp_path), tmp_path / "暂存的.xlsx")
        upload(visitor, kept)
        press(visitor, "暂存")
        visitor.page.get_by_text("下次打开可继续填写").wait_for()
    with clerk(width=390) as visitor:
        page = visitor.page
        assert "暂存的.xlsx" in page.locator(".st-key-draft").inner_text()
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
        press(visitor, "继续填写")
        page.get_by_text("当前文件：暂存的.xlsx").wait_for(timeout=SLOW)
        page.locator(".rs-verdict").wait_for(timeout=SLOW)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
    with clerk(account=0) as visitor:
        assert visitor.page.locator(".st-key-draft").count() == 0
        assert "暂存的" not in visitor.page.locator("body").inner_text()


def test_the_first_page_of_a_clerk_is_what_is_to_be_filed(clerk: Open) -> None:
    with clerk(account=1) as visitor:
        page = visitor.page
        assert page.locator(".st-key-choosers input[role=combobox]").count() == 2
        visitor.open("/")
        # All is reported there: the account's own page.
        page.wait_for_url(re.compile("/enterprise"))
        visitor.open("/rules")
        assert english(page) == set()
        assert page.locator(".rs-rules tbody tr").count() > 60


def test_nobody_else_opens_the_page(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/filing")
    assert "“分析”身份不查看“填报”页。" in visitor.page.locator(".rs-empty").inner_text()
    visitor.open("/rules")
    assert visitor.page.locator(".rs-rules").count() > 0
