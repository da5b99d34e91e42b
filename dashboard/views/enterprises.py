"""企业: every unit that the scope may see, by the tonnes it has to shift."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dashboard import session, widgets
from etl.warehouse.pages import UnitBlock

FIRST_ROWS = 30


def draw() -> None:
    page = session.read_enterprises()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    # The page's sentence is that of the first list already.
    _units("K3", replace(page.k3, sentence=""))
    _units("K2", page.k2)
    widgets.title(page.k4.name, "", "K4")
    widgets.note(page.access_sentence)
    if page.k4.frame.empty:
        widgets.empty("没有可列的单位。", "请放宽筛选条件，或等待数据到齐。")
    else:
        widgets.whole_table(page.k4)
    widgets.legend()


def _units(name: str, block: UnitBlock) -> None:
    # The bars hold all bulk goods; K2's target is about coal and coke over 500 km.
    has_line = name == "K3"
    widgets.title(block.title, block.note, name)
    if block.sentence:
        widgets.note(block.sentence)
    widgets.unit_table(block, limit=FIRST_ROWS, has_line=has_line)
    rest = block.rows[FIRST_ROWS:]
    if rest:
        with st.expander(f"其余{len(rest)}家"):
            widgets.unit_table(replace(block, rows=rest), has_line=has_line)
    widgets.table_block(block.table)


draw()
