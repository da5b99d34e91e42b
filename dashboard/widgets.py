"""What the pages are put together from: head, filter row, sentence, cards, tables, downloads.

Every text from data passes `html.escape` before it becomes markup; Streamlit cleans the markup again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard import charts, tables
from dashboard.palette import LIGHT_CLASSES, MODE_CLASSES
from dashboard.session import ALL, Visit, address, through_text, visit
from etl.plan import Light
from etl.warehouse.pages import Card, Choices, Definition, Filters, GapBlock, Head, Table, UnitBlock, UnitRow
from etl.wording import LIGHT_SHAPES, NONE, WITHHELD, amount, month_text, number

STYLE = Path(__file__).parent / "style.css"
SHORT_TABLE = 30


def head(page: Head) -> None:
    """Title, period, scope, 数据截至, 初步 or 确认; who looks; 演示数据 where it is."""
    facts = (page.period, page.scope, f"数据截至 {page.as_of.isoformat()}", page.status)
    _head(page.title, facts, page.is_demo, page.notes)


def plain_head(name: str, facts: Sequence[str] = (), notes: Sequence[str] = ()) -> None:
    """The head of a page that is not about a period: its name, what is to be said of it, and the way out."""
    _head(name, facts, visit().snapshot.is_demo, notes)


def _head(name: str, facts: Sequence[str], is_demo: bool, notes: Sequence[str]) -> None:
    here = visit()
    badge = f"<span class='rs-demo'>{tables.DEMO}</span>" if is_demo else ""
    badge += f"<span class='rs-internal'>{tables.INTERNAL_MARK}</span>"
    here.head_slot.html(
        f"<header class='rs-head'><h1>{escape(name)}</h1>"
        f"<p class='rs-facts'>{''.join(f'<span>{escape(fact)}</span>' for fact in facts)}</p>"
        f"<form class='rs-who' method='post' action='/signout'>"
        f"<input type='hidden' name='csrf' value='{escape(here.csrf)}'>{_who(here)}"
        f"<button>退出</button></form>{badge}</header>"
        + _viewing(here)
        + "".join(f"<p class='rs-headnote'>{escape(note)}</p>" for note in notes)
    )


def _who(here: Visit) -> str:
    """Who is signed in. In the demonstration that is a role that was chosen; its password is nobody's."""
    if here.signed_in is None or here.snapshot.is_demo:
        return f"<span>演示登录：{escape(here.scope.role.value)} · {escape(here.scope.label)}</span>"
    account = here.signed_in.account
    change = "<a href='/password' target='_self'>改密码</a>" if account.has_password else ""
    return f"<span>{escape(account.role.value)} · {escape(account.display_name)}</span>{change}"


def _viewing(here: Visit) -> str:
    """The banner while somebody looks as another account, with the way out. Empty: nobody does."""
    if here.signed_in is None or here.signed_in.viewing is None:
        return ""
    other = here.signed_in.viewing
    return (
        f"<form class='rs-viewing' method='post' action='/viewas' role='status'>"
        f"<input type='hidden' name='csrf' value='{escape(here.csrf)}'>"
        f"<span>正在以“{escape(other.role.value)} · {escape(other.display_name)}”的身份查看：只能看，不能办理；"
        f"起止已记入日志。</span><button>结束查看</button></form>"
    )


def filter_row(choices: Choices, kind: str = "") -> Filters:
    """The filters in one row, bound to the URL; a value that is not offered falls back to the default.

    `kind`: monthly (one month, the newest unless another is chosen), undirected, unfiltered (about no figures),
    period (for who sees sums only: a sum of sums would tell of a single unit).
    What a page does not use is drawn there too, out of sight (style.css): else it would be gone from the URL
    on the next page.
    """
    month = None
    with st.container(key="filters", horizontal=True, gap="small"):
        if kind:
            st.html(f"<i class='rs-filters rs-{kind}'></i>")
        if kind == "monthly":
            month = _month(choices)
        year = int(_choose("年份", "year", [str(y) for y in choices.years], str(choices.default.year)))
        last = choices.through[year]
        months = [through_text(number) for number in range(1, last + 1)]
        start = through_text(min(choices.default.through, last))
        through = months.index(_choose("截至", "through", months, start)) + 1
        codes = {name: code for code, name in choices.counties.items()}
        county = _choose_or_all("县区", "county", list(codes))
        commodity = _choose_or_all("货类", "commodity", choices.commodities)
        corridor = _choose_or_all("通道", "corridor", choices.corridors)
        direction = _choose_or_all("方向", "direction", choices.directions)
    county_code = codes[county] if county else None
    if month is not None:
        return Filters(month.year, month.month, county_code)
    if kind == "period":
        return Filters(year, through)
    return Filters(year, through, county_code, commodity, corridor, direction)


def _month(choices: Choices) -> date:
    newest = date(choices.newest.year, choices.newest.through, 1)
    offered = [date(y, m, 1) for y in choices.years for m in range(choices.through[y], 0, -1)]
    words = {month_text(month): month for month in dict.fromkeys([newest, *offered])}
    return words[_choose("月份", "month", list(words), month_text(newest))]


def _choose_or_all(label: str, name: str, words: Sequence[str]) -> str | None:
    """None = 全部. A filter with nothing to choose from is not shown."""
    if not words:
        return None
    word = _choose(label, name, [ALL, *words], ALL)
    return None if word == ALL else word


def _choose(label: str, name: str, words: Sequence[str], default: str) -> str:
    # Without typing in the box there is no English "No results" in it.
    return st.selectbox(
        label,
        words,
        index=words.index(default),
        key=name,
        bind="query-params",
        filter_mode=None,
        placeholder=label,
    )


def sentence(text: str) -> None:
    st.html(f"<p class='rs-sentence'>{escape(text)}</p>")


def note(text: str) -> None:
    st.html(f"<p class='rs-note'>{escape(text)}</p>")


def title(name: str, remark: str = "", indicator: str = "") -> None:
    """A block's title, with the definition of its indicator one click away."""
    entry = visit().snapshot.definitions().get(indicator)
    definition = _definition(entry) if entry else ""
    st.html(f"<div class='rs-title'><h2>{escape(name)}</h2><span>{escape(remark)}</span>{definition}</div>")


def empty(what: str, remedy: str) -> None:
    """Nothing to show: what is missing and what to do."""
    st.html(f"<div class='rs-empty'><p>{escape(what)}</p><p>{escape(remedy)}</p></div>")


def cards(entries: Sequence[Card], definitions: dict[str, Definition]) -> None:
    """The indicators side by side: value, target, gap, light with its word, 24 months, what it rests on."""
    st.html("<div class='rs-cards'>" + "".join(_card(card, definitions) for card in entries) + "</div>")


def _card(card: Card, definitions: dict[str, Definition]) -> str:
    image = charts.spark_image(card.spark, card.spark_target, visit().palette)
    spark = (
        f"<img class='rs-spark' alt='近24个月走势' src='{image}'>"
        if image
        else "<div class='rs-spark'></div>"
    )
    return (
        f"<section class='rs-card'><p class='rs-name'>{escape(card.name)}</p>"
        f"<p class='rs-value'>{escape(card.value_text)}<small>{escape(card.unit)}</small></p>"
        f"<p class='rs-target'>{escape(card.target_text)}</p><p class='rs-gap'>{escape(card.gap_text)}</p>"
        f"<p>{light(card.light, card.word)}</p>{spark}<p class='rs-foot'>{escape(card.footnote)}</p>"
        f"{_definition(definitions[card.indicator]) if card.indicator in definitions else ''}</section>"
    )


def _definition(entry: Definition) -> str:
    lines = [
        ("分子", entry.numerator),
        ("分母", entry.denominator),
        ("范围", entry.population),
        ("不计入", entry.exclusions),
        ("界限", entry.bound),
        ("目标", entry.target),
        ("依据", entry.clause),
        ("原文", entry.quote),
        ("数据来源", entry.source),
        ("待认定", "；".join(entry.open_questions)),
    ]
    body = "".join(
        f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in lines if text not in ("", NONE)
    )
    return f"<details class='rs-definition'><summary>口径</summary><dl>{body}</dl></details>"


def light(value: Light | None, word: str) -> str:
    """Markup of a light: shape, colour and word."""
    shape = LIGHT_SHAPES[value] if value else "○"
    return f"<span class='rs-light rs-{LIGHT_CLASSES[value]}'><i>{shape}</i>{escape(word)}</span>"


def chart(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, theme=None, config=charts.CONFIG, alt=alt)


def titled_table(table: Table, remark: str = "") -> None:
    """A table under its own name, or the word that there is nothing in it."""
    title(table.name, remark)
    if table.frame.empty:
        note("无。")
    else:
        whole_table(table)


def table_block(table: Table, label: str = "数据表") -> None:
    """A chart's table, folded, with its download."""
    if table.frame.empty:
        return
    with st.expander(label):
        whole_table(table)


def whole_table(table: Table) -> None:
    """A table with its download."""
    plain_table(table)
    download(table)


def plain_table(table: Table) -> None:
    """A table: as markup where it is short, else in the grid, each column as wide as its content asks."""
    if len(table.frame) <= SHORT_TABLE:
        st.html(tables.html_table(table))
    else:
        st.dataframe(
            tables.grid_frame(table),
            hide_index=True,
            placeholder=NONE,
            alt=table.name,
            column_config={
                name: _grid_column(table, name, width) for name, width in tables.widths(table).items()
            },
        )


def _grid_column(table: Table, name: str, width: int) -> Any:
    if name in table.digits:
        return st.column_config.NumberColumn(format=f"%.{table.digits[name]}f", width=width)
    return st.column_config.Column(width=width)


def download(table: Table) -> None:
    is_demo = visit().snapshot.is_demo
    filters = visit().filters
    period = f"{filters.year}年1—{filters.through}月"
    st.download_button(
        "下载 CSV",
        data=lambda: tables.csv_bytes(table, is_demo),
        mime="text/csv",
        key=f"download-{table.name}",
        file_name=tables.file_name(f"{table.name}_{period}", is_demo),
        type="tertiary",
        on_click="ignore",
    )


def gap_head(block: GapBlock, indicator: str = "") -> None:
    """A gap chart's title with the unit, and what it says; a word that holds for every row stands here once."""
    title(block.title, with_unit(block.title, block.note), indicator)
    word = charts.common_word(block)
    said = block.sentence or (f"{word}，仅列铁路占比。" if word else "")
    if said:
        note(said)
    if not block.rows:
        empty("没有可列的对象。", "请放宽筛选条件，或等待数据到齐。")


def gap_alt(block: GapBlock) -> str:
    """A gap chart in words."""
    return f"{block.title}：" + "，".join(_spoken(row.label, row.gap, row.word) for row in block.rows)


def _spoken(label: str, gap: Decimal | None, word: str) -> str:
    return f"{label}{number(gap, 1)}万吨" if gap is not None else f"{label}{word}"


def with_unit(name: str, remark: str, unit: str = "万吨") -> str:
    """The unit stands once, in the title or the remark beside it."""
    return remark if unit in name + remark else f"{unit}　{remark}".rstrip()


def unit_table(block: UnitBlock, limit: int | None = None, has_line: bool = True) -> None:
    """Units by what they have to shift; a row's name leads to the unit's page.

    `has_line` False leaves the target out of the bars, where they hold more goods than it is about.
    """
    if block.is_withheld:
        empty(f"单位名单{WITHHELD}。", "本页其余部分为不涉及单个企业的汇总数。")
        return
    if not block.rows:
        empty("没有可列的单位。", "请放宽筛选条件，或等待数据到齐。")
        return
    rows = block.rows[:limit]
    body = "".join(_unit_row(row, has_line) for row in rows)
    st.html(
        "<div class='rs-scroll'><table class='rs-table rs-units'><thead><tr><th scope='col'>单位</th>"
        "<th scope='col' class='rs-wide'>县区</th><th scope='col' class='rs-wide'>通道</th>"
        "<th scope='col'>铁路 · 公路 · 新能源 · 皮带</th><th scope='col' class='rs-number'>铁路占比</th>"
        "<th scope='col' class='rs-number'>尚需转铁路（万吨）</th><th scope='col' class='rs-wide'>专用线</th>"
        f"<th scope='col'>结论</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _unit_row(row: UnitRow, has_line: bool) -> str:
    missing = f"<small class='rs-missing'>缺{row.missing}个月</small>" if row.missing else ""
    link = escape(address("enterprise", unit=row.unit_code))
    shift = f"<b>{amount(row.shift, 1)}</b>" if row.shift else NONE if row.shift is None else "0"
    return (
        f"<tr><td><a href='{link}'>{escape(row.name)}</a>{missing}</td>"
        f"<td class='rs-wide'>{escape(row.county)}</td><td class='rs-wide'>{escape(row.corridors)}</td>"
        f"<td>{_mode_bar(row, has_line)}</td><td class='rs-number'>{escape(row.share_text)}</td>"
        f"<td class='rs-number'>{shift}</td><td class='rs-wide'>{escape(row.spur)}</td>"
        f"<td>{light(row.light, row.word)}</td></tr>"
    )


def _mode_bar(row: UnitRow, has_line: bool) -> str:
    """Tonnes by mode as one bar of full length; the dashed line is the target."""
    total = sum(row.tonnes.values(), Decimal(0))
    said = escape(
        "，".join(f"{mode}{number(tonnes, 2)}万吨" for mode, tonnes in row.tonnes.items() if tonnes)
    )
    if not total:
        return f"<span class='rs-quiet'>{NONE}</span>"
    parts = "".join(
        f"<span class='rs-mode rs-{css}' style='width:{number(row.tonnes[mode] / total * 100, 2)}%'></span>"
        for mode, css in MODE_CLASSES.items()
        if row.tonnes.get(mode)
    )
    if has_line and row.target is not None:
        parts += f"<span class='rs-line' style='left:{number(row.target, 2)}%'></span>"
    return f"<div class='rs-modes' role='img' aria-label='{said}' title='{said}'>{parts}</div>"


def points(name: str, lines: Sequence[str], nothing: str) -> None:
    """A titled list of sentences."""
    title(name)
    items = (
        "".join(f"<li>{escape(line)}</li>" for line in lines)
        or f"<li class='rs-quiet'>{escape(nothing)}</li>"
    )
    st.html(f"<ul class='rs-points'>{items}</ul>")


def legend() -> None:
    """What the colours and shapes mean."""
    lights = (
        light(Light.GREEN, "达到"),
        light(Light.YELLOW, "差距在阈值以内"),
        light(Light.RED, "差距更大"),
        light(None, "不评价"),
    )
    marks = "".join(
        f"<span>{mark}</span>" for mark in ("<i class='rs-key rs-hatch'></i>差额", "灯：", *lights)
    )
    st.html(f"<p class='rs-legend'>{_modes(MODE_CLASSES)}{marks}</p>")


def mode_legend(*modes: str) -> None:
    """The colours of the modes that a chart shows."""
    st.html(f"<p class='rs-legend'>{_modes(modes)}</p>")


def _modes(modes: Iterable[str]) -> str:
    return "".join(f"<span><i class='rs-key rs-{MODE_CLASSES[mode]}'></i>{mode}</span>" for mode in modes)
