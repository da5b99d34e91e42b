"""A page's Table as markup, as CSV and for the grid: pure, without Streamlit."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from fractions import Fraction
from html import escape

import pandas as pd

from dashboard.palette import LIGHT_CLASSES
from etl.warehouse.pages import Table
from etl.wording import LIGHT_SHAPES, NONE, number

DEMO = "演示数据"
# Every page is of the 内部版; what leaves it says so in its name.
INTERNAL, INTERNAL_MARK = "内部", "内部资料 注意保管"
_SHAPE_CLASSES = {f"{shape} ": LIGHT_CLASSES[light] for light, shape in LIGHT_SHAPES.items()} | {"○ ": "none"}
_SHORT = 9
# So many columns stand in a smaller type.
_MANY_COLUMNS = 10
# The grid's font: half a Chinese letter, the air of a cell, and how narrow and wide a column may be.
_LETTER, _AIR, _MOST_NARROW, _MOST_WIDE = 7, 20, 56, 320
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def file_name(stem: str, is_demo: bool, ending: str = "csv") -> str:
    """What a download of the 内部版 is called."""
    return f"{stem}_{INTERNAL}{f'_{DEMO}' if is_demo else ''}.{ending}"


def csv_bytes(table: Table, is_demo: bool) -> bytes:
    """The table as CSV with BOM: exact decimals without separators, nothing where nothing is known.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if is_demo:
        writer.writerow([f"# {DEMO}：非真实数据，不得引用"])
    writer.writerow([_safe(str(name)) for name in table.frame.columns])
    for row in table.frame.itertuples(index=False):
        writer.writerow([_exact(value) for value in row])
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _exact(value: object) -> str:
    if _is_missing(value):
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Fraction):
        text = number(value, 12)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, bool):
        return "是" if value else "否"
    return _safe(value) if isinstance(value, str) else str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def grid_frame(table: Table) -> pd.DataFrame:
    """For the long grid of Streamlit: numbers as floats, so that a column sorts as numbers."""
    frame = table.frame.copy()
    for name in table.digits:
        frame[name] = [None if _is_missing(v) else float(v) for v in frame[name]]
    return frame


def widths(table: Table) -> dict[str, int]:
    """Column → its width in the grid, in pixels: that of its longest cell or its header, within bounds."""
    return {
        str(name): min(max(_MOST_NARROW, _LETTER * max(_letters(name), longest) + _AIR), _MOST_WIDE)
        for name in table.frame.columns
        for longest in [
            max((_letters(_said(v, table.digits.get(str(name)))) for v in table.frame[name]), default=0)
        ]
    }


def _letters(text: object) -> int:
    """How many Latin letters wide; a Chinese one is two."""
    return sum(1 if letter.isascii() else 2 for letter in str(text))


def html_table(table: Table) -> str:
    """A short table as plain markup: readable without the grid, by eye and by ear."""
    columns = table.frame.columns
    numeric = [name in table.digits or any(map(_is_number, table.frame[name])) for name in columns]
    header = "".join(
        f"<th scope='col'{_right(is_number)}>{escape(str(name))}</th>"
        for name, is_number in zip(columns, numeric, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            _cell(value, table.digits.get(str(name)), is_number)
            for name, value, is_number in zip(columns, row, numeric, strict=True)
        )
        + "</tr>"
        for row in table.frame.itertuples(index=False)
    )
    whole = f"<thead><tr>{header}</tr></thead><tbody>{body}</tbody>"
    css = "rs-table rs-dense" if len(columns) > _MANY_COLUMNS else "rs-table"
    return f"<div class='rs-scroll'><table class='{css}'>{whole}</table></div>"


def markup(text: str) -> str:
    """A text as markup; where it begins with a light's shape, in the light's colour."""
    css = _SHAPE_CLASSES.get(text[:2])
    return (
        escape(text)
        if css is None
        else f"<span class='rs-light rs-{css}'><i>{text[0]}</i>{escape(text[2:])}</span>"
    )


def _right(is_number: bool) -> str:
    return " class='rs-number'" if is_number else ""


def _is_number(value: object) -> bool:
    return isinstance(value, (int, Decimal, Fraction)) and not isinstance(value, bool)


def _cell(value: object, digits: int | None, is_number: bool) -> str:
    # A name or a word in a narrow column would stand one character above the other.
    is_short = not isinstance(value, str) or len(value) <= _SHORT
    css = _right(is_number) or f" class='{'rs-nowrap' if is_short else 'rs-long'}'"
    return f"<td{css}>{markup(_said(value, digits))}</td>"


def _said(value: object, digits: int | None) -> str:
    if _is_missing(value):
        return NONE
    if isinstance(value, (Decimal, Fraction)) or (digits is not None and isinstance(value, int)):
        return number(value, digits or 0)
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)
