"""Page object → figure: pure, without Streamlit, tested by the values in them.

Decimals become floats here and nowhere else, for a figure only. Months are text, since Plotly's
dates are English; a missing month is a gap with the word 未报.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import plotly.graph_objects as go

from dashboard.palette import FONT, NEW_ENERGY, RAIL, ROAD, Palette
from etl.plan import Light
from etl.warehouse.pages import GapBlock, GapRow, MonthPair, PathBlock, Series
from etl.wording import LIGHT_SHAPES, NONE, WITHHELD, month_text, number

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False, "showTips": False}
MISSING = "未报"
ROW_PIXELS = 28
# What a gap chart's inside measures on a phone or in a third of a screen: labels must fit there too.
_NARROW_PIXELS = 330


def path_lines(block: PathBlock, palette: Palette) -> go.Figure:
    """K1 cumulative against the plan's path, January to December. 万吨."""
    figure = _figure(palette, height=250, left=46, right=96, top=14, bottom=26)
    known = [(p.month, p.cumulative) for p in block.points if p.cumulative is not None]
    paced = [p for p in block.points if p.pace is not None]
    if paced:
        figure.add_trace(
            go.Scatter(
                name="序时进度",
                x=[p.month for p in paced],
                y=[_float(p.pace) for p in paced],
                mode="lines",
                line={"color": palette.ink, "width": 1.4, "dash": "5px,4px"},
                hovertemplate="1—%{x}月序时 %{y:.0f}万吨<extra></extra>",
            )
        )
        if block.target is not None:
            _note(figure, 12, float(block.target), f"目标 {number(block.target)}", palette.ink, "left", 8)
    seasonal = [(m, v) for m, v in enumerate(block.seasonal, start=1) if v is not None]
    if seasonal:
        figure.add_trace(
            go.Scatter(
                name="按前两年季节走势",
                x=[m for m, _ in seasonal],
                y=[_float(v) for _, v in seasonal],
                mode="lines",
                line={"color": palette.soft, "width": 1, "dash": "1px,3px"},
                hovertemplate="1—%{x}月按季节走势 %{y:.0f}万吨<extra></extra>",
            )
        )
    if known:
        month, cumulative = known[-1]
        figure.add_trace(
            go.Scatter(
                name="累计",
                x=[p.month for p in block.points],
                y=[_float(p.cumulative) for p in block.points],
                mode="lines+markers",
                line={"color": palette.rail, "width": 3},
                connectgaps=False,
                marker={"color": palette.rail, "size": [8 if p.month == month else 0 for p in block.points]},
                hovertemplate="1—%{x}月累计 %{y:.0f}万吨<extra></extra>",
            )
        )
        # The path's own label stands above its end; at December the two would lie on each other.
        below = 16 if month >= 11 else 12
        _note(
            figure,
            month,
            float(cumulative),
            f"累计 {number(cumulative)}",
            palette.rail,
            "left",
            8,
            below,
            bold=True,
        )
    figure.update_xaxes(
        range=[0.8, 12.2],
        tickvals=[1, 3, 6, 9, 12],
        ticktext=["1月", "3月", "6月", "9月", "12月"],
        showgrid=False,
        linecolor=palette.soft,
    )
    figure.update_yaxes(rangemode="tozero", showgrid=True, nticks=6)
    return figure


def path_differences(block: PathBlock, through: int, light: Light | None, palette: Palette) -> go.Figure:
    """Cumulative less the plan's path at the end of each month: the gap that the lines hide. 万吨."""
    points = block.points
    values = [None if p.difference is None else _float(p.difference) for p in points]
    hanging = not any(v is not None and v > 0 for v in values)
    figure = _figure(palette, height=250, left=8, right=8, top=26, bottom=12 if hanging else 26)
    figure.add_trace(
        go.Bar(
            name="累计与序时之差",
            x=[p.month for p in points],
            y=values,
            width=0.82,
            text=[None if p.difference is None else number(p.difference) for p in points],
            textposition="outside",
            textfont={"color": palette.ink, "size": 12},
            cliponaxis=False,
            marker=_hatched(
                [palette.light(light) if (v or 0) < 0 else palette.soft for v in values], palette
            ),
            hovertemplate="1—%{x}月 %{y:.0f}万吨<extra></extra>",
        )
    )
    for point in points:
        if point.month <= through and point.difference is None:
            _note(figure, point.month, 0, "未公布", palette.soft, "center", 0, 12 if hanging else -12)
    months = [p.month for p in points]
    figure.update_xaxes(
        tickvals=months,
        ticktext=[f"{m}月" for m in months],
        side="top" if hanging else "bottom",
        showgrid=False,
        range=[0.5, 12.5],
    )
    low, high = (
        min([0, *(v for v in values if v is not None)]),
        max([0, *(v for v in values if v is not None)]),
    )
    room = (high - low or 1) * 0.14
    figure.update_yaxes(
        visible=True,
        showticklabels=False,
        showgrid=False,
        range=[low - room if low else 0, high + room if high else 0],
        zeroline=True,
        zerolinecolor=palette.ink,
        zerolinewidth=1.2,
    )
    if not any(v is not None for v in values):
        figure.update_yaxes(range=[-1, 0])
    return figure


def gap_bars(block: GapBlock, palette: Palette) -> go.Figure:
    """One hatched bar for each row, from zero, with its gap, share and, without a gap, its word. 万吨."""
    rows = block.rows
    digits = digits_for([row.gap for row in rows if row.gap is not None])
    longest = max((len(row.label) for row in rows), default=2)
    figure = _figure(
        palette,
        height=ROW_PIXELS * len(rows) + 12,
        left=min(13 * longest + 12, 118),
        right=4,
        top=2,
        bottom=4,
    )
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=[row.label for row in rows],
            width=0.56,
            x=[None if row.gap is None else _float(row.gap) for row in rows],
            marker=_hatched([palette.light(row.light) for row in rows], palette),
            customdata=[[row.key] for row in rows],
            text=[_gap_text(row, row.word, digits, palette) for row in rows],
            textposition="outside",
            textfont={"color": palette.ink, "size": 13},
            cliponaxis=False,
            hovertext=[row.word for row in rows],
            hovertemplate="%{y}　%{hovertext}<extra></extra>",
        )
    )
    for row in rows:
        if row.gap is None:
            text = _gap_text(row, "" if common_word(block) else row.word, digits, palette)
            _note(figure, 0, row.label, text, palette.soft, "left", 6)
    gaps = [float(row.gap) for row in rows if row.gap is not None]
    low, high = min([0.0, *gaps]), max([0.0, *gaps])
    span = max(high, -low) or 1
    figure.update_xaxes(visible=False, range=[low * 1.5, max(high, span * 0.4) * _room(rows)])
    # The first row stands on top.
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ", tickfont={"color": palette.ink})
    figure.add_vline(x=0, line={"color": palette.soft, "width": 1})
    return figure


def common_word(block: GapBlock) -> str:
    """The one word of a chart in which nothing has a gap (a year without a target); else empty.

    What is not shown says so in each row: there is no share beside it.
    """
    words = {row.word for row in block.rows} - {WITHHELD}
    is_common = len(words) == 1 and all(row.gap is None and row.word in words for row in block.rows)
    return words.pop() if is_common else ""


def _gap_text(row: GapRow, word: str, digits: int, palette: Palette) -> str:
    """The light's shape, the gap, the share and what is missing; without a gap the word instead."""
    said = [text for text in (row.share_text, row.note) if text not in ("", NONE)]
    if row.gap is None and word:
        said.insert(0, word)
    soft = f'<span style="color:{palette.soft}">{"　".join(said)}</span>'
    if row.gap is None:
        return soft
    shape = LIGHT_SHAPES[row.light] if row.light else "○"
    mark = f'<span style="color:{palette.light(row.light)}">{shape}</span>'
    return f" {mark} {number(row.gap, digits)}　{soft}"


def _room(rows: Sequence[GapRow]) -> float:
    """How many times the longest bar the axis is long, so that the longest label stands beside it."""
    longest = max(
        (_pixels(f"{row.share_text}　{row.note}") for row in rows if row.gap is not None), default=0
    )
    return min(1 / (1 - min(longest + 70, _NARROW_PIXELS * 0.66) / _NARROW_PIXELS), 3.0)


def _pixels(text: str) -> int:
    return sum(13 if ord(letter) > 0x2E7F else 7 for letter in text)


def digits_for(values: Sequence[Decimal]) -> int:
    """One number of decimals for a whole figure: none from a hundred 万吨 on, two where all are below one."""
    most = max((abs(value) for value in values), default=Decimal(0))
    return 0 if most >= 100 or not most else 1 if most >= 1 else 2


def rail_road_bars(
    labels: Sequence[str],
    rail: Sequence[Decimal],
    road: Sequence[Decimal],
    newenergy: Sequence[Decimal],
    palette: Palette,
) -> go.Figure:
    """Rail beside road for each corridor, from zero; new-energy lorries stand at the end of the road bar. 万吨."""
    figure = _figure(palette, height=40 * len(labels) + 12, left=52, right=4, top=2, bottom=4)
    whole = [a + b for a, b in zip(road, newenergy, strict=True)]
    digits = digits_for([*rail, *whole])
    bars = (
        (RAIL, "rail", rail, rail, palette.rail, None),
        (ROAD, "road", road, None, palette.road, None),
        (NEW_ENERGY, "road", newenergy, whole, palette.newenergy, [float(v) for v in road]),
    )
    for name, group, values, labelled, colour, base in bars:
        figure.add_trace(
            go.Bar(
                name=name,
                orientation="h",
                offsetgroup=group,
                base=base,
                y=list(labels),
                x=[float(v) for v in values],
                marker={"color": colour},
                text=None if labelled is None else [f" {number(v, digits)}" for v in labelled],
                textposition="outside",
                textfont={"color": palette.ink, "size": 12},
                cliponaxis=False,
                customdata=[[label, float(value)] for label, value in zip(labels, values, strict=True)],
                hovertemplate=f"%{{y}}　{name} %{{customdata[1]:.2f}}万吨<extra></extra>",
            )
        )
    most = float(max([*rail, *whole], default=Decimal(0))) or 1.0
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.06)
    figure.update_xaxes(visible=False, range=[0, most * 1.2])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticksuffix=" ", tickfont={"color": palette.ink})
    return figure


def month_bars(months: Sequence[MonthPair], palette: Palette) -> go.Figure:
    """Rail and road of each month, one on the other; a month without a return is a gap that says so. 万吨."""
    figure = _figure(palette, height=240, left=44, right=8, top=18, bottom=40)
    ticks = [month_text(pair.month) for pair in months]
    for name, colour in (("铁路", palette.rail), ("公路", palette.road)):
        values = [pair.rail if name == "铁路" else pair.road for pair in months]
        figure.add_trace(
            go.Bar(
                name=name,
                x=ticks,
                y=[None if v is None else _float(v) for v in values],
                marker={"color": colour},
                hovertemplate=f"%{{x}}　{name} %{{y:.2f}}万吨<extra></extra>",
            )
        )
    for pair, tick in zip(months, ticks, strict=True):
        if pair.rail is None and pair.road is None:
            _note(figure, tick, 0, "<br>".join(MISSING), palette.red, "center", 0, -16)
    figure.update_layout(barmode="stack", bargap=0.25)
    _month_axis(figure, ticks, [pair.month for pair in months], palette)
    figure.update_yaxes(rangemode="tozero", nticks=5)
    return figure


def official_bars(series: Series, palette: Palette) -> go.Figure:
    """One official series month by month, from zero; a 快报 is hatched, a month not published a gap. 万吨."""
    figure = _figure(palette, height=220, left=44, right=8, top=12, bottom=40)
    colour = palette.rail if series.mode == RAIL else palette.road
    ticks = [month_text(point.month) for point in series.points]
    figure.add_trace(
        go.Bar(
            x=ticks,
            y=[_float(point.value) for point in series.points],
            marker={
                "color": colour,
                "pattern": {"shape": ["/" if point.is_provisional else "" for point in series.points]},
            },
            hovertemplate="%{x}　%{y:.2f}万吨<extra></extra>",
        )
    )
    _month_axis(figure, ticks, [point.month for point in series.points], palette)
    figure.update_layout(bargap=0.25)
    figure.update_yaxes(rangemode="tozero", nticks=5)
    return figure


def _month_axis(figure: go.Figure, ticks: Sequence[str], months: Sequence[date], palette: Palette) -> None:
    """Months as categories, named once a quarter."""
    shown = [t for t, m in zip(ticks, months, strict=True) if m.month in (1, 4, 7, 10)] or ticks
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=ticks,
        tickvals=shown,
        ticktext=[_two_lines(t) for t in shown],
        showgrid=False,
        linecolor=palette.soft,
        tickangle=0,
    )


def _two_lines(tick: str) -> str:
    """2025年1月 with the year below, so that January says it and the others stay short."""
    year, month = tick.split("年")
    return f"{month}<br>{year}年" if month == "1月" else month


def month_lines_image(months: Sequence[MonthPair], palette: Palette, width: int = 280) -> str:
    """One small multiple as an SVG data address: rail and road lines from zero to their own highest month.

    A month without any return breaks the lines and is marked by a dotted column.
    """
    height, count = 64, max(len(months) - 1, 1)
    known = [value for pair in months for value in (pair.rail, pair.road) if value is not None]
    scale = float(max(known, default=Decimal(0))) or 1.0

    def at(index: int, value: Decimal | None) -> tuple[float, float] | None:
        return (
            None
            if value is None
            else (4 + index * (width - 8) / count, height - 4 - float(value) / scale * (height - 10))
        )

    parts = [_line(4, height - 4, width - 4, height - 4, palette.soft, 1)]
    for index, pair in enumerate(months):
        if pair.rail is None and pair.road is None:
            x = 4 + index * (width - 8) / count
            parts.append(_line(x, 6, x, height - 4, palette.red, 1, "2 3"))
    parts += _polylines([at(i, p.road) for i, p in enumerate(months)], palette.road, 1.6)
    parts += _polylines([at(i, p.rail) for i, p in enumerate(months)], palette.rail, 2)
    return _image(parts, width, height)


def spark_image(
    points: Sequence[tuple[date, Decimal | None]], target: Decimal | None, palette: Palette, width: int = 240
) -> str:
    """A card's 24 months as an SVG data address; the target is the dashed line. Empty: no month is known."""
    known = [float(v) for _, v in points if v is not None]
    if not known:
        return ""
    height, count = 34, max(len(points) - 1, 1)
    levels = [*known, float(target)] if target is not None else known
    low, high = min(levels), max(levels)
    span = (high - low) or 1.0

    def y_of(value: float) -> float:
        return height - 4 - (value - low) / span * (height - 8)

    spots = [
        None if v is None else (3 + i * (width - 8) / count, y_of(float(v)))
        for i, (_, v) in enumerate(points)
    ]
    parts = []
    if target is not None:
        parts.append(_line(0, y_of(float(target)), width, y_of(float(target)), palette.ink, 1, "4 3"))
    parts += _polylines(spots, palette.rail, 1.8)
    end = [s for s in spots if s is not None][-1]
    parts.append(f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="2.6" fill="{palette.rail}"/>')
    return _image(parts, width, height)


def _polylines(spots: Sequence[tuple[float, float] | None], colour: str, width: float) -> list[str]:
    runs: list[list[tuple[float, float]]] = [[]]
    for spot in spots:
        if spot is None:
            runs.append([])
        else:
            runs[-1].append(spot)
    drawn = []
    for run in runs:
        if len(run) == 1:
            drawn.append(f'<circle cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="1.5" fill="{colour}"/>')
        elif run:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            drawn.append(
                f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
                ' stroke-linejoin="round"/>'
            )
    return drawn


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, dash: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" stroke-dasharray="{dash}"/>'
    )


def _image(parts: Sequence[str], width: int, height: int) -> str:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _figure(palette: Palette, height: int, left: int, right: int, top: int, bottom: int) -> go.Figure:
    figure = go.Figure(
        layout={
            "template": "none",
            "height": height,
            "margin": {"l": left, "r": right, "t": top, "b": bottom, "pad": 2},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 12, "color": palette.soft},
            "showlegend": False,
            "dragmode": False,
            "hoverlabel": {"font": {"family": FONT, "size": 13}},
            "separators": ".",
        }
    )
    axis = {
        "zeroline": False,
        "gridcolor": palette.line,
        "fixedrange": True,
        "automargin": False,
        "tickfont": {"size": 12, "color": palette.soft},
        "ticks": "",
        "exponentformat": "none",
    }
    figure.update_xaxes(axis)
    figure.update_yaxes(axis)
    return figure


def _hatched(colours: Sequence[str], palette: Palette) -> dict:
    """Gaps are hatched: nothing was carried there."""
    return {
        "color": list(colours),
        "pattern": {
            "shape": "/",
            "fgcolor": list(colours),
            "bgcolor": "rgba(0,0,0,0)",
            "size": 6,
            "solidity": 0.22,
            "fillmode": "replace",
        },
        "line": {"color": list(colours), "width": 1},
    }


def _note(
    figure: go.Figure,
    x: float | str,
    y: float | str,
    text: str,
    colour: str,
    anchor: str,
    shift: float,
    below: float = 0,
    bold: bool = False,
) -> None:
    figure.add_annotation(
        x=x,
        y=y,
        text=f"<b>{text}</b>" if bold else text,
        showarrow=False,
        xanchor=anchor,
        xshift=shift,
        yshift=-below,
        font={"color": colour, "size": 13},
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
