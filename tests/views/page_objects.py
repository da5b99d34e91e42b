"""A whole page object for each view, and what the views ask of a snapshot besides."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from etl.periods import add_months
from etl.warehouse import pages
from etl.warehouse.indicators import INDICATORS, definition
from etl.warehouse.scope import Scope
from tests.views.fixtures import (
    AS_OF,
    PLAN,
    UNITS,
    D,
    cards,
    corridor_gaps,
    county_gaps,
    head,
    pairs,
    path,
    units,
)

SENTENCE = (
    "1—9月，全市铁路货运量完成15764万吨，为年度任务的73.0%，低于序时进度2.0个百分点（424万吨）；"
    "后3个月需月均完成1940万吨，高于历史最高月1830万吨，完成难度较大。"
)


def plain(name: str) -> pages.Table:
    frame = pd.DataFrame({"月份": ["2025年8月", "2025年9月"], "铁路万吨": [D("1769.25"), None]}, dtype=object)
    return pages.Table(name, frame, {"铁路万吨": 2})


def overview(*_: object) -> pages.Overview:
    return pages.Overview(
        head("总览"),
        SENTENCE,
        cards(),
        plain("四项指标近24个月"),
        path(),
        county_gaps(),
        corridor_gaps(),
        units("转移量最大的单位"),
        (
            "铁路货运量9月1769万吨，同比下降2.3%，其中煤炭产量下降少运31万吨，铁路占比下降少运11万吨。",
            "兴保通道集中修6天，铁路占比下降2.1个百分点。",
            "示例洗选二厂自7月共用专用线，占比提高6.4个百分点。",
        ),
        (
            "3家未报（宁武2、静乐1）：占比在85.1%—87.6%之间，结论不变。",
            "站方清单与企业上报相差4.2万吨（朔黄），待核。",
            "口径待确认：官方数是否含朔黄、神朔。",
        ),
        None,
        "",
        None,
        "",
    )


def reporting(*_: object) -> pages.Reporting:
    months = tuple(add_months(date(2025, 9, 1), -i) for i in range(11, -1, -1))
    names = tuple((f"91140900MA0SL{i:05d}", f"示例单位{i}号") for i in range(40))
    states = (
        "按时",
        "按时",
        "按时",
        "迟报",
        "零申报",
        "按时",
        "按时",
        "停产",
        "按时",
        "不应报",
        "市级审核",
        "按时",
    )
    cells = tuple(
        pages.ReportCell(
            code, month, "未报" if (i in (3, 11, 27) and k == 11) else states[(i * 5 + k * 3) % 12], None
        )
        for i, (code, _) in enumerate(names)
        for k, month in enumerate(months)
    )
    counties = pd.DataFrame(
        {
            "县区": ["宁武县", "静乐县", "保德县"],
            "应报（家）": [8, 4, 6],
            "已报（家）": [6, 3, 6],
            "未报（家）": [2, 1, 0],
        },
        dtype=object,
    )
    by_month = pd.DataFrame(
        {
            "月份": [f"{m.year}年{m.month}月" for m in months],
            "应报（家）": [40] * 12,
            "已报（家）": [37] * 12,
        },
        dtype=object,
    )
    return pages.Reporting(
        head("报送进度"),
        "2025年9月，应报40家，已报37家，未报3家；截止日为10月9日，已过1天。",
        date(2025, 9, 1),
        date(2025, 10, 9),
        True,
        {"应报": 40, "已报": 37, "按时": 33, "迟报": 2, "零申报": 2, "未报": 3, "停产": 1},
        pages.Table("各县区报送", counties, {}),
        pages.Table("各月报送", by_month, {}),
        table_of("各县区逐月报送", {"县区": ["宁武县"], "月份": ["2025年9月"], "应报": [8], "已报": [6]}),
        tuple((names[i][0], names[i][1], "宁武县") for i in (3, 11, 27)),
        pages.Table(
            "迟报", pd.DataFrame({"单位": ["示例单位5号"], "收到日期": ["2025-10-10"]}, dtype=object), {}
        ),
        "各单位：2025年9月运输量月报应于10月9日前报送。截至10月10日尚未收到：示例单位3号、示例单位11号、示例单位27号。请尽快补报。",
        names,
        months,
        cells,
    )


def corridors(*_: object) -> pages.Corridors:
    names = ["宁静", "兴保", "朔黄", "京原", "神河", "同蒲"]
    frame = pd.DataFrame(
        {
            "通道": names,
            "铁路万吨": [D(61 + 30 * i) for i in range(6)],
            "公路万吨": [D(39 - 4 * i) for i in range(6)],
        },
        dtype=object,
    )
    return pages.Corridors(
        head("通道"),
        "1—9月，宁静通道尚需由公路转铁路14.9万吨，为各通道最多；兴保、朔黄次之。",
        corridor_gaps("中长距离煤焦尚需转铁路"),
        corridor_gaps("专用线单位大宗尚需转铁路"),
        None,
        pages.Table("各通道铁路与公路运量", frame, {"铁路万吨": 1, "公路万吨": 1}),
        {n: pairs(20 + 9 * i, 12, (5,) if i == 1 else ()) for i, n in enumerate(names)},
        plain("各通道逐月运量"),
        "宁静",
        (units("宁静通道的专用线单位", 3),),
    )


def enterprises(*_: object) -> pages.Enterprises:
    frame = pd.DataFrame(
        {
            "单位": [u[0] for u in UNITS],
            "年大宗运量（万吨）": [D(400 - 50 * i) for i in range(6)],
            "是否义务": ["是"] * 6,
            "专用线": ["自有", "在建", "自有", "未建", "豁免", "自有"],
        },
        dtype=object,
    )
    return pages.Enterprises(
        head("企业"),
        "1—9月，14家专用线单位中9家达到80%目标；示例煤业一矿尚需由公路转铁路18.4万吨，为最多。",
        units("专用线单位大宗铁路占比", 46),
        units("中长距离煤焦铁路占比"),
        pages.Table("专用线接入", frame, {"年大宗运量（万吨）": 1}),
        "义务单位14家，已接入10家，未接入4家（在建2家、豁免1家）。",
    )


def enterprise(*_: object) -> pages.Enterprise:
    frame = pd.DataFrame(
        {"货类": ["煤炭", "焦炭"], "铁路万吨": [D("20.5"), D("3.25")], "公路万吨": [D("8.1"), None]},
        dtype=object,
    )
    spurs = pd.DataFrame(
        {
            "专用线": ["示例专用线"],
            "关系": ["共用"],
            "状态": ["开通"],
            "开通日期": ["2025-06-30"],
            "能力（万吨/年）": [D(300)],
        },
        dtype=object,
    )
    versions = pd.DataFrame(
        {"月份": ["2025年8月", "2025年8月"], "版本": [1, 2], "收到": ["2025-09-06", "2025-09-20"]},
        dtype=object,
    )
    months = pairs(10, 5, (4, 23))
    table = pd.DataFrame(
        {
            "月份": [f"{p.month.year}年{p.month.month}月" for p in months],
            "铁路万吨": [p.rail for p in months],
            "公路万吨": [p.road for p in months],
        },
        dtype=object,
    )
    digits = {"铁路万吨": 2, "公路万吨": 2}
    return pages.Enterprise(
        head("示例洗选二厂"),
        "示例洗选二厂1—9月大宗货物铁路运输占比61.0%，低于80%目标19.0个百分点；按现有运量，尚需由公路转铁路14.9万吨。",
        "91140900MA0SL00001",
        "示例洗选二厂",
        (
            ("统一社会信用代码", "91140900MA0SL00001"),
            ("县区", "静乐县"),
            ("类型", "工矿企业（大型）"),
            ("生产状态", "正常"),
            ("应报", "2023年1月起"),
        ),
        cards()[1:],
        months,
        pages.Table("各月运量", table, digits),
        pages.Table("货类", frame, digits),
        pages.Table("通道", frame.rename(columns={"货类": "通道"}), digits),
        pages.Table("专用线", spurs, {"能力（万吨/年）": 0}),
        ("2024年2月", "2025年9月"),
        pages.Table("报送版本", versions, {}),
    )


def rows(*_: object) -> pages.Table:
    frame = pd.DataFrame(
        {
            "月份": ["2025年8月"] * 40,
            "文件": ["示例洗选二厂8月.xlsx"] * 40,
            "工作表": ["月报"] * 40,
            "行": list(range(8, 48)),
            "货类": ["煤炭"] * 40,
            "运输方式": ["铁路", "公路"] * 20,
            "运量（吨）": [D("1234.5")] * 40,
        },
        dtype=object,
    )
    return pages.Table("上报明细行", frame, {"运量（吨）": 3})


def table_of(name: str, columns: dict[str, list], **digits: int) -> pages.Table:
    return pages.Table(name, pd.DataFrame(columns, dtype=object), digits)


def changes(name: str, *moves: str) -> pages.Table:
    count = len(moves)
    return table_of(
        name,
        {
            "变动": list(moves),
            "单位": ["示例洗选二厂", "示例电厂五"][:count],
            "此前": ["不在：当月未接入专用线", "在：大型工矿企业，示例专用线（自有，2024年7月起计）"][:count],
            "现在": ["在：大型工矿企业，示例专用线（共用，2025年7月起计）", "不在：停产"][:count],
        },
    )


def registry(*_: object) -> pages.Registry:
    populations = tuple(
        pages.PopulationBlock(
            id_,
            title,
            "2025年9月考核范围20家；比上月调入1家、调出1家；比上年同月无变动。",
            changes(f"{title}考核范围变动：比上月", "调入", "调出"),
            changes(f"{title}考核范围变动：比上年同月"),
        )
        for id_, title in (
            ("K2", "500公里以上煤焦铁路占比"),
            ("K3", "专用线单位大宗铁路占比"),
            ("K4", "专用线接入率"),
        )
    )
    units = [u[0] for u in UNITS]
    return pages.Registry(
        head("名录"),
        "2025年9月名录共41家，其中工矿企业35家（大型26家）、物流园区6家（新建5家）、停产1家；应报40家，已接入专用线21家。",
        populations,
        table_of(
            "各单位考核范围",
            {"单位": units, "县区": [u[1] for u in UNITS], "专用线接入率": ["在：列入省目录"] * 6},
        ),
        "上一完整年度达到150万吨而未列入省目录1家。",
        table_of(
            "150万吨以上与省目录对照",
            {"情形": ["已达到，未列入省目录"], "单位": units[:1], "2024年大宗万吨": [D("641.64")]},
            **{"2024年大宗万吨": 2},
        ),
        table_of("各县区单位数（家）", {"县区": ["宁武县", "静乐县"], "单位": [6, 2]}),
        table_of("名录", {"单位": units, "认定依据": ["演示名录"] * 6, "应报起": ["2022年1月"] * 6}),
        table_of(
            "变更记录",
            {
                "生效日期": [date(2024, 7, 1)],
                "单位": units[:1],
                "变更内容": ["大型：否→是；认定依据：空→演示名录"],
            },
        ),
        table_of("共用的专用线", {"专用线": [], "使用单位": []}),
    )


def spurs(*_: object) -> pages.Spurs:
    return pages.Spurs(
        head("专用线台账"),
        "2025年9月登记专用线23条，其中开通19条、在建2条、前期1条、停用1条；全市专用线接入率75.0%（义务单位24家，已接入18家），扣除豁免1家后为78.3%。",
        cards()[3],
        table_of(
            "各条专用线",
            {
                "专用线": ["示例一号线", "示例二号线"],
                "使用单位": ["示例煤业一矿、示例洗选二厂", "示例煤业四矿"],
                "能力万吨年": [D(2050), D(720)],
                "近12个月铁路万吨": [D("1643.5646"), None],
                "利用率%": [D("80.17"), None],
                "说明": ["", "使用单位同月还使用其他专用线，运量未分线"],
            },
            **{"能力万吨年": 0, "近12个月铁路万吨": 2, "利用率%": 1},
        ),
        "铁路运量为使用单位在计入接入的月份发运与到达之和。",
        table_of(
            "各条专用线的使用单位",
            {
                "专用线": ["示例一号线"],
                "使用单位": ["示例煤业一矿"],
                "计入起": ["2016年6月"],
                "本月": ["计入"],
            },
        ),
        table_of(
            "各县区专用线接入率", {"县区": ["宁武县"], "义务单位": [4], "接入率%": [D(100)]}, **{"接入率%": 1}
        ),
        table_of("有接入义务而未接入的单位", {"单位": [], "专用线": []}),
    )


def official(*_: object) -> pages.Official:
    def series(mode: str, caliber: str) -> pages.Series:
        title = f"{mode}货运量（{caliber}）"
        points = tuple(
            pages.SeriesPoint(add_months(date(2023, 10, 1), i), None if i == 5 else D(1700 + i), i == 23)
            for i in range(24)
        )
        months = {
            "月份": ["2025年8月", "2025年9月"],
            "当期万吨": [D("1802"), D("1772.09")],
            "状态": ["月报确报", "快报"],
        }
        return pages.Series(mode, caliber, title, points, table_of(title, months, 当期万吨=2))

    return pages.Official(
        head("官方数"),
        "2025年1—9月，全市铁路（发送）已发布9个月，最新为2025年9月，其中快报1个月；公路（营业性）已发布9个月，最新为2025年9月；共40个发布值，均注明来源和发布日期。",
        "全市铁路货运量采用“发送”口径（待确认）。铁路与公路官方数口径不同，并列显示，不相加、不相除；不同口径分列。",
        (series("铁路", "发送"), series("公路", "营业性")),
        "本期各月发布值修订1次，上调1次、下调0次；其中1次改变了铁路货运量累计的结论。",
        ("2025-03-20月报确报：2025年1—2月铁路货运量累计由3597.33万吨改为3597.34万吨。",),
        table_of("修订记录", {"月份": ["2025年2月"], "结论变化": ["改变"]}),
        table_of("快报、确报、核定值对照", {"月份": ["2025年2月"], "快报万吨": [D(1800)]}, 快报万吨=2),
        table_of("全部发布值", {"月份": ["2025-02"], "数值万吨": [D(1800)]}, 数值万吨=2),
    )


READERS = {
    "overview": overview,
    "reporting": reporting,
    "corridors": corridors,
    "enterprises": enterprises,
    "enterprise": enterprise,
    "rows": rows,
    "registry": registry,
    "spurs": spurs,
    "official": official,
}


class StandIn:
    """What the views ask of a snapshot besides the page objects."""

    path = Path("v1.duckdb")
    is_demo = True
    as_of = AS_OF
    plan = PLAN

    def choices(self, _scope: Scope) -> pages.Choices:
        return CHOICES

    def units(self, _scope: Scope) -> dict[str, str]:
        return {"91140900MA0SL00001": "示例洗选二厂"}

    def definitions(self) -> dict[str, pages.Definition]:
        return {id_: definition(id_, PLAN) for id_ in INDICATORS}


CHOICES = pages.Choices(
    years=(2026, 2025, 2024, 2023),
    through={2026: 9, 2025: 12, 2024: 12, 2023: 12},
    counties={"140925": "宁武县", "140926": "静乐县", "140931": "保德县"},
    commodities=("煤炭", "焦炭"),
    corridors=("宁静", "兴保", "朔黄"),
    directions=("发运", "到达"),
    default=pages.Filters(2025, 9),
    newest=pages.Filters(2026, 9),
)
