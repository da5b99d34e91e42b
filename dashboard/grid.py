"""The online grid: a return typed in the browser, every cell as text exactly as typed.

A list's column offers its words; what is not in the list can be pasted and is kept, for the rules judge
the grid as they judge a file. Rows are numbered as the workbook that comes back numbers them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from etl.clerk import GRID_HEADERS
from etl.intake import words
from etl.reference import Declared

ROW = "行号"
# The file that a grid becomes has its header in row 1.
FIRST_ROW = 2
_WIDE = {"起点": 130, "终点": 130, "对方单位": 150, "备注": 130, "货类": 110, "运输方式": 130, "运量吨": 110}
_USUAL = 84

Row = dict[str, str]


def choices(declared: Declared, rows: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Column → what its list offers: the declared words, then those that stand in the rows already."""
    offered = {
        "货类": [each.name for each in declared.commodities],
        "方向": list(dict.fromkeys(words.DIRECTIONS.values())),
        "运输方式": [each.name for each in declared.modes],
        "通道": [each.name for each in declared.corridors],
        "短驳": ["是", "否"],
        "装载": list(dict.fromkeys(words.LOADINGS.values())),
        "计量依据": list(dict.fromkeys(words.WEIGHING.values())),
    }
    return {
        header: list(dict.fromkeys([*listed, *(text for row in rows if (text := row.get(header, "")))]))
        for header, listed in offered.items()
    }


def frame(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """The rows as the editor takes them, with their numbers."""
    numbers = [str(number) for number in range(FIRST_ROW, FIRST_ROW + len(rows))]
    cells: dict[str, list[str | None]] = {ROW: list(numbers)}
    cells |= {header: [row.get(header) or None for row in rows] for header in GRID_HEADERS}
    return pd.DataFrame(cells, dtype="str")


def typed(edited: pd.DataFrame) -> list[Row]:
    """What the editor holds, as text; blank rows at the end are left out."""
    rows = [{header: _text(row[header]) for header in GRID_HEADERS} for row in edited.to_dict("records")]
    return without_blank_end(rows)


def without_blank_end(rows: Iterable[Row]) -> list[Row]:
    kept = list(rows)
    while kept and not any(kept[-1].values()):
        kept.pop()
    return kept


def without_tonnes(rows: Sequence[Row]) -> int:
    """How many rows have no 运量吨."""
    return sum(not row.get("运量吨", "").strip() for row in rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def editor(declared: Declared, rows: Sequence[Mapping[str, str]], key: str) -> list[Row]:
    """Draw the grid over `rows`; what it holds now."""
    offered = choices(declared, rows)
    columns: dict[str, Any] = {
        ROW: st.column_config.TextColumn(ROW, disabled=True, pinned=True, width=52),
    }
    for header in GRID_HEADERS:
        width = _WIDE.get(header, _USUAL)
        if header in offered:
            columns[header] = st.column_config.SelectboxColumn(header, options=offered[header], width=width)
        else:
            columns[header] = st.column_config.TextColumn(header, width=width)
    edited = st.data_editor(
        frame(rows), key=key, num_rows="dynamic", hide_index=True, column_config=columns, placeholder=""
    )
    return typed(edited)
