"""Every page in a browser: Chinese, whole, within the screen, without a call to anyone else."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import Visitor, latin_words

VIEWS = [
    "overview", "reporting", "corridors", "enterprises", "enterprise", "registry", "spurs", "official",
]  # fmt: skip
# What a user would type in Latin letters.
ALLOWED = {"railshift"}


def unit_of(link: Locator) -> str:
    """The unit's code in a link to its page."""
    return parse_qs(urlsplit(link.get_attribute("href") or "").query)["unit"][0]


def address(visitor: Visitor, view: str) -> str:
    """A view's path; for the unit's page that of the first unit in the list."""
    if view != "enterprise":
        return f"/{view}"
    visitor.open("/enterprises")
    return f"/enterprise?unit={unit_of(visitor.page.locator('.rs-units a').first)}"


def english(page: Page) -> set[str]:
    return latin_words(page, ALLOWED)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("visitor", [1440, 390], indirect=True)
def test_a_page_is_chinese_whole_and_within_the_screen(visitor: Visitor, view: str) -> None:
    visitor.sign_in("分析")
    visitor.open(address(visitor, view))
    page = visitor.page
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.title().endswith("公转铁监测")
    assert page.locator(".rs-head h1").count() == 1
    assert page.locator(".rs-sentence").inner_text().endswith("。")
    assert "演示数据" in page.locator(".rs-head").inner_text()
    assert page.locator("[data-testid=stException], [data-testid=stAlert]").count() == 0
    assert english(page) == set()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
    assert visitor.outside == []


@pytest.mark.parametrize("view", VIEWS)
def test_every_figure_is_drawn_and_has_words_for_it(visitor: Visitor, view: str) -> None:
    visitor.sign_in("分析")
    visitor.open(address(visitor, view))
    figures = visitor.page.locator("[data-testid=stPlotlyChart]")
    for figure in figures.all():
        figure.locator("svg.main-svg").first.wait_for()
    for image in visitor.page.locator(".stHtml img").all():
        assert image.get_attribute("alt")
        assert image.evaluate("i => i.complete && i.naturalWidth > 0")


def test_filters_survive_a_page_switch_and_a_reload(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/overview?year=2024&through=6月")
    visitor.choose("commodity", "煤炭")
    chosen = visitor.filters()
    assert {"2024", "6月", "煤炭"} <= set(chosen)
    for name in ("通道", "报送进度", "企业"):
        visitor.page.get_by_role("link", name=name, exact=True).click()
        visitor.page.locator(".rs-head h1", has_text=name).wait_for()
        visitor.settle()
    assert visitor.filters() == chosen
    query = parse_qs(urlsplit(visitor.page.url).query)
    assert query["year"] == ["2024"]
    assert query["commodity"] == ["煤炭"]
    visitor.page.reload()
    visitor.settle()
    assert visitor.filters() == chosen


def test_a_value_that_is_not_offered_falls_back(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/overview")
    usual = visitor.filters()
    visitor.open("/overview?year=1999&through=13月&county=火星&direction=%3Cscript%3E")
    assert visitor.filters() == usual
    assert visitor.page.locator("[data-testid=stAlert]").count() == 0


def test_a_row_leads_to_the_unit_and_back(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/enterprises?year=2024")
    row = visitor.page.locator(".rs-units a").first
    name = row.inner_text()
    row.click()
    visitor.page.locator(".rs-unitfacts").wait_for()
    visitor.settle()
    assert name in visitor.page.locator(".rs-head h1").inner_text()
    assert visitor.filters()[0] == "2024"
    visitor.page.locator(".rs-back a").click()
    visitor.page.locator(".rs-head h1", has_text="企业").wait_for()
    visitor.settle()
    assert visitor.filters()[0] == "2024"


def test_a_click_on_a_bar_chooses_the_corridor(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/corridors")
    chart = visitor.page.locator("[data-testid=stPlotlyChart]").first
    chart.locator("svg.main-svg").first.wait_for()
    bar = chart.locator(".bars .point path").first
    bar.click(force=True)
    visitor.page.wait_for_url(re.compile("corridor="))
    visitor.settle()
    chosen = parse_qs(urlsplit(visitor.page.url).query)["corridor"][0]
    assert chosen in visitor.filters()
    visitor.page.locator(".rs-title h2", has_text=f"{chosen}通道的").first.wait_for()
    visitor.page.locator(".rs-units").first.wait_for()


def test_the_download_has_a_bom_the_label_and_the_numbers_of_the_page(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/overview")
    block = visitor.page.locator("[data-testid=stExpander]").first
    block.locator("summary").click()
    button = block.get_by_role("button", name="下载 CSV")
    with visitor.page.expect_download() as waiting:
        button.click()
    assert "演示数据" in waiting.value.suggested_filename
    assert waiting.value.suggested_filename.endswith(".csv")
    content = waiting.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# ")
    lines = content.decode("utf-8-sig").splitlines()
    assert "演示数据" in lines[0]
    shown = block.locator("table")
    assert lines[1].split(",") == shown.locator("thead th").all_inner_texts()
    assert len(lines) - 2 == shown.locator("tbody tr").count()
    first = [cell.split(".")[0] for cell in lines[2].split(",")]
    printed = [cell.split(".")[0] for cell in shown.locator("tbody tr").first.locator("td").all_inner_texts()]
    assert first[0] == printed[0]


def test_the_definition_of_a_number_is_one_click_away(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    visitor.open("/overview")
    visitor.page.locator(".rs-definition summary").first.click()
    assert "官方数" in visitor.page.locator(".rs-definition dl").first.inner_text()


def test_the_dark_theme_keeps_the_meaning(visitor: Visitor) -> None:
    visitor.page.emulate_media(color_scheme="dark")
    visitor.sign_in("分析")
    visitor.open("/overview")
    ground, ink = visitor.page.evaluate(
        "[getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor,"
        " getComputedStyle(document.querySelector('.rs-sentence')).color]"
    )
    assert ground == "rgb(18, 23, 29)"
    assert ink == "rgb(227, 232, 238)"
    assert visitor.page.locator(".rs-light").first.inner_text()[0] in "●▲■○"
