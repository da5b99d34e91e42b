"""专用线台账: the lines, who uses them since when, what they carried, and who has access and who has not."""

from __future__ import annotations

import streamlit as st

from dashboard import entry, session, widgets


def draw() -> None:
    page = session.read_spurs()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    left, right = st.columns([2, 3], gap="large")
    with left:
        widgets.cards((page.card,), session.visit().snapshot.definitions())
    with right:
        widgets.titled_table(page.counties, "按行政区划顺序排列")
    widgets.titled_table(page.without, "按大宗运量排列；运量为上一完整年度")
    widgets.titled_table(page.lines)
    widgets.note(page.lines_note)
    widgets.titled_table(page.uses, "计入起：开通和使用均满足后，接入从哪个月起计")
    entry.maintain("spurs")


draw()
