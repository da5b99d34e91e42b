"""Charts by the values in them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
import pytest

from dashboard import charts
from dashboard.palette import DARK_PALETTE, LIGHT_PALETTE
from etl.plan import Light
from etl.warehouse.pages import MonthPair, Series, SeriesPoint
from tests.views import fixtures

D = Decimal


def trace(figure: go.Figure, name: str) -> Any:
    return next(t for t in figure.data if t.name == name)


def notes(figure: go.Figure) -> list[str]:
    return [a.text for a in figure.layout.annotations]


def test_the_path_is_dashed_and_ends_on_the_target() -> None:
    figure = charts.path_lines(fixtures.path(), LIGHT_PALETTE)
    pace = trace(figure, "序时进度")
    assert list(pace.y)[-1] == 21584
    assert pace.line.dash
    assert pace.line.color == LIGHT_PALETTE.ink
    assert "目标 21584" in notes(figure)


def test_months_after_the_last_known_one_are_no_points() -> None:
    figure = charts.path_lines(fixtures.path(), LIGHT_PALETTE)
    cumulative = trace(figure, "累计")
    assert list(cumulative.y)[8] == pytest.approx(15764)
    assert list(cumulative.y)[9:] == [None, None, None]
    assert cumulative.connectgaps is False
    assert "<b>累计 15764</b>" in notes(figure)


def test_a_year_without_a_target_has_no_path() -> None:
    block = fixtures.path()
    points = tuple(type(p)(p.month, p.value, p.cumulative, None, None) for p in block.points)
    figure = charts.path_lines(replace(block, points=points, target=None), LIGHT_PALETTE)
    assert [t.name for t in figure.data] == ["累计"]


def test_the_differences_are_hatched_in_the_colour_of_the_light() -> None:
    figure = charts.path_differences(fixtures.path(), 9, Light.RED, LIGHT_PALETTE)
    bars = figure.data[0]
    assert [None if v is None else round(v) for v in bars.y] == [
        -179, -437, -446, -435, -403, -412, -411, -394, -424, None, None, None,
    ]  # fmt: skip
    assert bars.marker.pattern.shape == "/"
    assert set(bars.marker.color[:9]) == {LIGHT_PALETTE.red}
    assert bars.text[8] == "-424"


def test_a_month_before_the_last_that_is_not_published_says_so() -> None:
    block = fixtures.path()
    points = tuple(type(p)(p.month, None, None, p.pace, None) if p.month == 4 else p for p in block.points)
    figure = charts.path_differences(replace(block, points=points), 9, Light.RED, LIGHT_PALETTE)
    assert notes(figure) == ["未公布"]


def test_gap_bars_start_at_zero_keep_the_order_and_say_why_there_is_none() -> None:
    block = fixtures.corridor_gaps()
    figure = charts.gap_bars(block, LIGHT_PALETTE)
    bars = figure.data[0]
    assert list(bars.y) == [row.label for row in block.rows]
    assert list(bars.x)[:2] == [14.9, 12.2]
    assert bars.x[6] is None
    assert any("数据尚不完整，暂不评价" in text for text in notes(figure))
    assert figure.layout.xaxis.range[0] == 0
    assert figure.layout.yaxis.autorange == "reversed"
    assert "14.9" in bars.text[0]
    assert "铁路占比61.0%" in bars.text[0]
    assert [c[0] for c in bars.customdata] == [row.key for row in block.rows]


@pytest.mark.parametrize(
    "values, digits",
    [(["132", "12"], 0), (["100"], 0), (["99.9"], 1), (["1"], 1), (["0.94", "0.02"], 2), (["0"], 0), ([], 0)],
)
def test_one_number_of_decimals_for_a_whole_figure(values: list[str], digits: int) -> None:
    assert charts.digits_for([D(v) for v in values]) == digits


def test_a_month_without_a_return_is_a_gap_with_the_word() -> None:
    pairs = (
        MonthPair(date(2025, 1, 1), D(10), D(5)),
        MonthPair(date(2025, 2, 1), None, None),
        MonthPair(date(2025, 3, 1), D(0), D(7)),
    )
    figure = charts.month_bars(pairs, LIGHT_PALETTE)
    assert list(trace(figure, "铁路").y) == [10, None, 0]
    assert list(trace(figure, "公路").y) == [5, None, 7]
    assert list(trace(figure, "铁路").x) == ["2025年1月", "2025年2月", "2025年3月"]
    assert notes(figure) == ["未<br>报"]


def test_rail_and_road_have_their_colours_in_both_themes() -> None:
    for palette in (LIGHT_PALETTE, DARK_PALETTE):
        figure = charts.rail_road_bars(["宁静"], [D(61)], [D(39)], [D(4)], palette)
        assert trace(figure, "铁路").marker.color == palette.rail
        assert trace(figure, "公路").marker.color == palette.road
    assert LIGHT_PALETTE.rail == "#1f4e79"


def test_no_figure_holds_a_date_axis_or_a_thousands_separator() -> None:
    figures = [
        charts.path_lines(fixtures.path(), LIGHT_PALETTE),
        charts.path_differences(fixtures.path(), 9, Light.RED, LIGHT_PALETTE),
        charts.gap_bars(fixtures.corridor_gaps(), LIGHT_PALETTE),
        charts.month_bars(fixtures.pairs(1000, 500), LIGHT_PALETTE),
    ]
    for figure in figures:
        assert figure.layout.separators == "."
        assert all(axis.type != "date" for axis in (*figure.select_xaxes(), *figure.select_yaxes()))


def drawn(image: str) -> str:
    return base64.b64decode(image.removeprefix("data:image/svg+xml;base64,")).decode()


def test_a_spark_breaks_where_a_month_is_missing() -> None:
    points = [(date(2025, m, 1), None if m == 3 else D(m)) for m in range(1, 7)]
    image = drawn(charts.spark_image(points, D(6), LIGHT_PALETTE))
    assert image.count("<polyline") == 2
    assert 'stroke-dasharray="4 3"' in image
    assert charts.spark_image([(date(2025, 1, 1), None)], D(6), LIGHT_PALETTE) == ""


def test_a_small_multiple_marks_a_missing_month() -> None:
    image = drawn(charts.month_lines_image(fixtures.pairs(10, 5, (4,)), LIGHT_PALETTE))
    assert image.count("<polyline") == 4
    assert image.count(f'stroke="{LIGHT_PALETTE.red}"') == 1


@pytest.mark.parametrize("mode, colour", [("铁路", LIGHT_PALETTE.rail), ("公路", LIGHT_PALETTE.road)])
def test_an_official_series_keeps_its_gap_and_hatches_what_is_provisional(mode: str, colour: str) -> None:
    points = (
        SeriesPoint(date(2025, 1, 1), D("1700.25"), False),
        SeriesPoint(date(2025, 2, 1), None, False),
        SeriesPoint(date(2025, 3, 1), D(1710), True),
    )
    figure = charts.official_bars(
        Series(mode, "发送", "货运量", points, fixtures.path().table), LIGHT_PALETTE
    )
    bars: Any = figure.data[0]
    assert list(bars.y) == [pytest.approx(1700.25), None, 1710]
    assert list(bars.marker.pattern.shape) == ["", "", "/"]
    assert bars.marker.color == colour
    assert figure.layout.yaxis.rangemode == "tozero"
