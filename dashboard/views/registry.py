"""名录: what each unit is, who is counted in each indicator this month and why, who might have to be."""

from __future__ import annotations

import streamlit as st

from dashboard import entry, session, widgets
from etl.warehouse.pages import PopulationBlock


def draw() -> None:
    page = session.read_registry()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    for column, block in zip(st.columns(len(page.populations), gap="large"), page.populations, strict=True):
        with column:
            _population(block)
    widgets.titled_table(page.members, "“在”为计入该指标；不在的，写明哪一条不符合")
    widgets.title(page.candidates.name, "大宗货物年运量；短驳不计", "K4")
    widgets.note(page.candidate_sentence)
    if not page.candidates.frame.empty:
        widgets.whole_table(page.candidates)
    may_write = entry.may_write(session.visit().scope, "registry")
    where = "在本页末“登记与维护”逐家录入，或整表导入" if may_write else "由市交通运输局在名录中登记"
    widgets.note(f"“省目录”取自名录的同名一列（是、否；空为未列明）。省里公布的目录{where}。")
    widgets.titled_table(page.units, "本月有效的登记")
    widgets.titled_table(page.counties)
    left, right = st.columns(2, gap="large")
    with left:
        widgets.titled_table(page.history, "登记内容自生效日期起改变")
    with right:
        widgets.titled_table(page.shared)
    entry.maintain("registry", "contacts")


def _population(block: PopulationBlock) -> None:
    widgets.title(block.title, "考核范围变动", block.indicator)
    widgets.note(block.sentence)
    for table, label in ((block.against_month, "比上月"), (block.against_year, "比上年同月")):
        widgets.table_block(table, f"{label}：{len(table.frame)}家")


draw()
