"""Each view runs on its page object, without an exception, and says what it should."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from etl.intake import rules

VIEWS = Path(__file__).parents[2] / "dashboard" / "views"
UNIT = "91140900MA0SL00001"
# Of the ledger, not about a period: 填报 is tested in test_filing.py, 填报规则 below, the others in a browser.
OF_RETURNS = {"filing", "rules", "review", "tasks", "jobs", "accounts"}


def page(view: str) -> None:
    """Runs inside AppTest: a visit, then the view's file, as app.py would."""
    import runpy
    from pathlib import Path
    from typing import Any

    import streamlit as st

    import dashboard
    from dashboard import session
    from etl.warehouse.pages import Filters
    from etl.warehouse.scope import EVERYTHING
    from tests.views import page_objects

    stand_in: Any = page_objects.StandIn()
    visit = session.Visit(
        stand_in, EVERYTHING, "token", page_objects.CHOICES, Filters(2025, 9), False, st.container()
    )
    session.begin(visit)
    runpy.run_path(str(Path(dashboard.__file__).parent / "views" / f"{view}.py"))


def run(view: str, **query: str) -> str:
    """All markup that the view wrote."""
    test = AppTest.from_function(page, args=(view,), default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    assert not test.exception
    return "\n".join(element.proto.body for element in test.get("html"))


@pytest.mark.usefixtures("readers")
@pytest.mark.parametrize("view", sorted({p.stem for p in VIEWS.glob("*.py")} - {"__init__", *OF_RETURNS}))
def test_every_view_has_the_head_and_one_sentence(view: str) -> None:
    html = run(view, unit=UNIT)
    assert html.count("class='rs-head'") == 1
    assert html.count("class='rs-sentence'") == 1
    assert "数据截至 2025-10-10" in html
    assert "初步" in html
    assert "演示数据" in html


@pytest.mark.usefixtures("readers")
def test_a_light_is_a_shape_a_colour_and_a_word() -> None:
    html = run("overview")
    assert "<span class='rs-light rs-yellow'><i>▲</i>低于序时进度</span>" in html
    assert "<span class='rs-light rs-red'><i>■</i>尚未全部接入</span>" in html
    assert "后3个月需月均 1940" in html


@pytest.mark.usefixtures("readers")
def test_a_unit_links_to_its_page_with_the_filters() -> None:
    html = run("enterprises")
    assert "/enterprise?year=2025&amp;through=9%E6%9C%88&amp;unit=91140900MA0SL00000" in html


@pytest.mark.usefixtures("readers")
def test_without_a_unit_the_page_says_what_to_do() -> None:
    html = run("enterprise")
    assert "没有选定单位" in html
    assert "rs-sentence" not in html


@pytest.mark.usefixtures("readers")
def test_missing_units_stand_first_in_the_matrix() -> None:
    html = run("reporting")
    grid = html[html.index("rs-matrix") :]
    assert grid.index("示例单位3号") < grid.index("示例单位1号")
    assert "aria-label='2025年9月：未报'" in grid


def test_every_rule_is_printed_with_what_to_do() -> None:
    html = run("rules")
    assert html.count("class='rs-sentence'") == 1
    assert f"规则版本 {rules.VERSION}" in html
    assert html.count("<tr id=") == len(rules.RULES)
    for rule in rules.RULES:
        row = html[html.index(f"<tr id='{rule.code}'>") :]
        row = row[: row.index("</tr>")]
        assert rule.severity in row
        assert escape(rule.source) in row
        assert "{" not in row
    # The limits in force, not the names of them.
    assert "超过短驳的上限（50公里）" in html
