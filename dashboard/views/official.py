"""官方数: rail and road as published, each apart, their vintages, and what the revisions did to the verdict."""

from __future__ import annotations

import streamlit as st

from dashboard import charts, entry, mirror, session, widgets
from etl.warehouse.pages import Official, Series


def draw() -> None:
    _figures()
    mirror.draw()
    entry.maintain("official", "targets", "events", "bills", "station_list")


def _figures() -> None:
    page = session.read_official()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    widgets.note(page.caliber_note)
    if not page.series:
        widgets.empty("没有可列的官方数。", "请放宽筛选条件；尚未登记的，在本页末“登记与维护”录入或导入。")
        return
    with st.container(key="series"):
        for start in range(0, len(page.series), 2):
            for column, series in zip(
                st.columns(2, gap="large"), page.series[start : start + 2], strict=False
            ):
                with column:
                    _series(series)
    _revisions(page)
    widgets.titled_table(page.vintages, "同一月份先后发布的值并列；采用状态高者，同状态采用后发布者")
    widgets.title(page.values.name, f"{len(page.values.frame)}个")
    widgets.table_block(page.values, "逐个列出")


def _series(series: Series) -> None:
    widgets.title(series.title, "万吨　近24个月当期值；斜线为快报")
    figure = session.figure(
        "official", lambda p: charts.official_bars(series, p), series.mode, series.caliber
    )
    widgets.chart(figure, f"official-{series.title}", f"{series.title}近24个月，见数据表。")
    widgets.whole_table(series.table)


def _revisions(page: Official) -> None:
    """The log, with the revisions that turned a verdict said first."""
    widgets.title(page.revisions.name, "铁路货运量累计在修订前后各判定一次", "K1")
    widgets.note(page.revision_sentence)
    widgets.points("改变结论的修订", page.changes, "没有修订改变结论。")
    widgets.table_block(page.revisions, f"逐次列出：{len(page.revisions.frame)}次")


draw()
