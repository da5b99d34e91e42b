"""Page objects with invented units (示例…), judged by the real plan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd

from etl.periods import add_months
from etl.plan import Judgement, Light, OfficialEvidence, ShareEvidence, Subject, judge
from etl.reference import load_declared
from etl.warehouse import pages

DATA = Path(__file__).parents[2] / "data"
PLAN = load_declared(DATA).plan
AS_OF = date(2025, 10, 10)
D = Decimal


def head(title: str) -> pages.Head:
    return pages.Head(title, "2025年1—9月", "全市", AS_OF, "初步", True, ())


def share(
    indicator: str, rail: str, total: str, road: str, object_type: str = "全市", name: str = "全市"
) -> Judgement:
    subject = Subject(indicator, object_type, name, 2025, 9)
    return judge(ShareEvidence(subject, D(rail), D(total), D(road), D(0), Fraction(0), (), 40, 37), PLAN)


def k1() -> Judgement:
    subject = Subject("K1", "全市", "全市", 2025, 9)
    return judge(
        OfficialEvidence(subject, D("15764"), True, Fraction(21584), "方案", "发送", True, False, 40, 37),
        PLAN,
    )


def spark(first: str, step: str, wave: int = 0) -> tuple[tuple[date, Decimal | None], ...]:
    start = date(2023, 10, 1)
    return tuple(
        (
            add_months(start, i),
            None if i == 7 and wave else D(first) + D(step) * i + D((i * 7 % 5) * wave) / 10,
        )
        for i in range(24)
    )


def cards() -> tuple[pages.Card, ...]:
    return (
        pages.Card(
            "K1",
            "全市铁路货运量",
            "15764",
            "万吨",
            "目标 21584万吨（2025年）",
            "距年度任务5820万吨，落后序时424万吨",
            Light.YELLOW,
            "低于序时进度",
            spark("1600", "3", 800),
            None,
            "官方数 · 发送口径（待确认） · 月报确报",
            k1(),
        ),
        pages.Card(
            "K2",
            "中长距离煤焦铁路占比",
            "86.9",
            "%",
            "目标 90%（力争）",
            "尚需由公路转铁路31.4万吨",
            Light.YELLOW,
            "低于目标3.1个百分点",
            spark("82.4", "0.2", 8),
            D(90),
            "覆盖率92% · 应报40家 已报37家",
            share("K2", "8690000", "10000000", "1310000"),
        ),
        pages.Card(
            "K3",
            "专用线单位大宗铁路占比",
            "78.2",
            "%",
            "目标 80%",
            "尚需由公路转铁路22.7万吨　达标9/14户",
            Light.YELLOW,
            "低于目标1.8个百分点",
            spark("74", "0.15", 6),
            D(80),
            "含皮带口径71.5%",
            share("K3", "7820000", "10000000", "2180000"),
        ),
        pages.Card(
            "K4",
            "专用线接入率",
            "71.4",
            "%",
            "目标 原则上全部",
            "义务单位14家，未接入4家（在建2家）",
            Light.RED,
            "尚未全部接入",
            spark("57", "0.6"),
            None,
            "扣除豁免76.9% · 预警2家",
            share("K4", "10", "14", "0"),
        ),
    )


def path() -> pages.PathBlock:
    target = D(21584)
    differences = [-179, -437, -446, -435, -403, -412, -411, -394, -424]
    points, before = [], D(0)
    for month in range(1, 13):
        pace = target * month / 12
        if month <= 9:
            cumulative = (pace + differences[month - 1]).quantize(D("0.1"))
            points.append(pages.PathPoint(month, cumulative - before, cumulative, pace, cumulative - pace))
            before = cumulative
        else:
            points.append(pages.PathPoint(month, None, None, pace, None))
    frame = pd.DataFrame(
        {
            "月份": [f"2025年{p.month}月" for p in points],
            "当月（万吨）": [p.value for p in points],
            "累计（万吨）": [p.cumulative for p in points],
            "序时（万吨）": [p.pace for p in points],
            "差额（万吨）": [p.difference for p in points],
        },
        dtype=object,
    )
    digits = dict.fromkeys(frame.columns[1:], 0)
    return pages.PathBlock(
        "后3个月需月均完成1940万吨，高于历史最高月1830万吨。",
        tuple(points),
        target,
        D(1940),
        (date(2024, 12, 1), D(1830)),
        (),
        "虚线为序时进度；右图为每月末累计与序时之差",
        pages.Table("全市铁路货运量累计与方案进度", frame, digits),
    )


def gaps(
    title: str, note: str, entries: list[tuple[str, str | None, str, Light | None]], ranked: bool = True
) -> pages.GapBlock:
    rows = tuple(
        pages.GapRow(
            name,
            name,
            None if gap is None else D(gap),
            text,
            light,
            {
                Light.GREEN: "已达到目标",
                Light.YELLOW: "接近目标",
                Light.RED: "未达到目标",
                None: "数据尚不完整，暂不评价",
            }[light],
            "",
        )
        for name, gap, text, light in entries
    )
    frame = pd.DataFrame(
        {
            "对象": [r.label for r in rows],
            "差额（万吨）": [r.gap for r in rows],
            "铁路占比": [r.share_text for r in rows],
        },
        dtype=object,
    )
    return pages.GapBlock(title, note, "", rows, ranked, pages.Table(title, frame, {"差额（万吨）": 1}))


def corridor_gaps(title: str = "各通道尚需转铁路") -> pages.GapBlock:
    return gaps(
        title,
        "500公里以上煤焦与专用线单位大宗合计，去重",
        [
            ("宁静", "14.9", "铁路占比61.0%", Light.RED),
            ("兴保", "12.2", "76.4%", Light.RED),
            ("朔黄", "9.8", "86.1%", Light.YELLOW),
            ("京原", "6.4", "78.8%", Light.YELLOW),
            ("神河", "3.7", "79.6%", Light.YELLOW),
            ("同蒲", "2.0", "88.9%", Light.YELLOW),
            ("瓦日", None, "", None),
            ("准池", "0", "93.2%", Light.GREEN),
        ],
    )


def county_gaps() -> pages.GapBlock:
    return gaps(
        "各县区落后序时",
        "按分解目标；未下达分解目标的县区不列",
        [
            ("保德县", "132", "完成率67.9%", Light.RED),
            ("宁武县", "96", "69.4%", Light.RED),
            ("静乐县", "71", "70.2%", Light.RED),
            ("河曲县", "55", "71.8%", Light.YELLOW),
            ("原平市", "38", "73.1%", Light.YELLOW),
            ("神池县", "20", "74.0%", Light.YELLOW),
            ("忻府区", "12", "74.4%", Light.YELLOW),
        ],
    )


UNITS = [
    ("示例煤业一矿", "宁武县", "朔黄", "74.2", "18.4", "自有", Light.RED, (320, 90, 12, 8)),
    ("示例洗选二厂", "静乐县", "宁静", "61.0", "14.9", "共用", Light.RED, (61, 35, 4, 0)),
    ("示例焦化三厂", "原平市", "京原", "77.5", "9.6", "自有", Light.YELLOW, (155, 40, 5, 0)),
    ("示例煤业四矿", "保德县", "兴保", "79.1", "6.2", "自有", Light.YELLOW, (220, 50, 8, 0)),
    ("示例电厂五", "河曲县", "神河", "79.6", "2.1", "自有", Light.YELLOW, (98, 22, 3, 40)),
    (
        "示例物流园区六（忻州市原平轩岗煤电长名称有限责任公司）",
        "神池县",
        "准池、朔黄",
        "81.3",
        None,
        "自有",
        Light.GREEN,
        (81, 17, 2, 0),
    ),
]


def units(title: str, count: int = 6) -> pages.UnitBlock:
    words = {Light.GREEN: "已达到目标", Light.YELLOW: "接近目标", Light.RED: "未达到目标"}
    rows = []
    for i in range(count):
        name, county, corridor, rate, shift, spur, light, tonnes = UNITS[i % len(UNITS)]
        modes = dict(zip(("铁路", "公路", "公路（新能源）", "皮带廊道"), (D(t) for t in tonnes), strict=True))
        rows.append(
            pages.UnitRow(
                f"91140900MA0SL{i:05d}",
                name if i < 6 else f"{name}（{i}）",
                county,
                corridor,
                modes,
                D(rate),
                f"{rate}%",
                D(80),
                None if shift is None else D(shift),
                spur,
                light,
                words[light],
                1 if i == 1 else 0,
            )
        )
    frame = pd.DataFrame(
        {
            "单位": [r.name for r in rows],
            "铁路占比（%）": [r.share for r in rows],
            "尚需转铁路（万吨）": [r.shift for r in rows],
        },
        dtype=object,
    )
    return pages.UnitBlock(
        title,
        "专用线单位大宗铁路占比；竖虚线为80%",
        "",
        tuple(rows),
        pages.Table(title, frame, {"铁路占比（%）": 1, "尚需转铁路（万吨）": 1}),
    )


def pairs(rail: int, road: int, missing: tuple[int, ...] = ()) -> tuple[pages.MonthPair, ...]:
    start = date(2023, 10, 1)
    return tuple(
        pages.MonthPair(
            add_months(start, i),
            None if i in missing else D(rail + i * 5 % 17),
            None if i in missing else D(road + i * 3 % 7),
        )
        for i in range(24)
    )
