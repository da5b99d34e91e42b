"""Tables as markup and as CSV: what is printed is what was measured."""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from dashboard import tables
from etl.warehouse.pages import Table


def table(columns: dict[str, list[object]]) -> Table:
    return Table("示例", pd.DataFrame(columns, dtype=object), {"运量（万吨）": 1})


def test_the_csv_has_a_bom_a_label_and_exact_numbers() -> None:
    content = tables.csv_bytes(
        table(
            {
                "单位": ["甲", "乙"],
                "运量（万吨）": [Decimal("1234.567"), None],
                "占比": [Fraction(1, 3), Fraction(4, 5)],
            }
        ),
        is_demo=True,
    )
    assert content.startswith(b"\xef\xbb\xbf# ")
    lines = content.decode("utf-8-sig").splitlines()
    assert "演示数据" in lines[0]
    assert list(csv.reader(lines[1:])) == [
        ["单位", "运量（万吨）", "占比"],
        ["甲", "1234.567", "0.333333333333"],
        ["乙", "", "0.8"],
    ]


def test_real_data_carry_no_label() -> None:
    content = tables.csv_bytes(table({"单位": ["甲"]}), is_demo=False)
    assert content.decode("utf-8-sig").splitlines()[0] == "单位"


def test_a_name_that_a_spreadsheet_would_run_is_quoted() -> None:
    content = tables.csv_bytes(table({"单位": ["=HYPERLINK(1)", "-1+2", "正常"]}), is_demo=False)
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert [row[0] for row in rows[1:]] == ["'=HYPERLINK(1)", "'-1+2", "正常"]


def test_negative_numbers_stay_numbers() -> None:
    content = tables.csv_bytes(table({"运量（万吨）": [Decimal("-424.0")]}), is_demo=False)
    assert content.decode("utf-8-sig").splitlines()[1] == "-424.0"


def test_markup_rounds_as_told_and_shows_what_is_missing() -> None:
    html = tables.html_table(table({"单位": ["甲"], "运量（万吨）": [Decimal("1234.56")], "公路": [None]}))
    assert ">1234.6<" in html
    assert ">—<" in html


def test_markup_of_a_name_is_escaped() -> None:
    html = tables.html_table(table({"单位": ["<img src=x onerror=alert(1)>"]}))
    assert "<img" not in html
    assert "&lt;img" in html


def test_the_grid_keeps_unknown_apart_from_zero() -> None:
    frame = tables.grid_frame(table({"运量（万吨）": [Decimal(0), None]}))
    assert frame["运量（万吨）"][0] == 0
    assert frame["运量（万吨）"].isna().tolist() == [False, True]


def test_a_short_word_stands_in_one_line_and_a_long_one_may_break() -> None:
    html = tables.html_table(table({"单位": ["示例煤业一矿专用线", "示例煤业十矿一井专用线"]}))
    assert "<td class='rs-nowrap'>示例煤业一矿专用线</td>" in html
    assert "<td class='rs-long'>示例煤业十矿一井专用线</td>" in html


def test_a_column_of_the_grid_is_as_wide_as_what_stands_in_it() -> None:
    widths = tables.widths(
        table(
            {
                "应报止": ["2025年10月", ""],
                "单": ["甲"] * 2,
                "运量（万吨）": [Decimal("1.04"), None],
                "长": ["说" * 99] * 2,
            }
        )
    )
    # A Chinese letter takes twice the room of a digit; the header counts where it is longer.
    assert widths["应报止"] > 7 * len("2025年10月") + 2 * 7
    assert widths["运量（万吨）"] > widths["应报止"] > widths["单"]
    assert widths["长"] < 400


def test_a_table_of_many_columns_stands_in_a_smaller_type() -> None:
    def markup(columns: int) -> str:
        return tables.html_table(table({f"列{number}": ["甲"] for number in range(columns)}))

    assert ("rs-dense" in markup(6), "rs-dense" in markup(14)) == (False, True)
