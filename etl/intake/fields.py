"""The columns of the monthly return (月报) and the headers by which a table is recognised."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A column: our header, our name, other headers it is known by, may the column be absent."""

    header: str
    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    in_head_block: bool = False


RETURN_FIELDS = (
    Field(
        "月份",
        "month",
        ("统计月份", "报告月份", "报告期", "所属月份", "报送月份"),
        required=True,
        in_head_block=True,
    ),
    Field("统一社会信用代码", "uscc", ("信用代码", "社会信用代码"), required=True, in_head_block=True),
    Field("填报单位编码", "unit_code", (), in_head_block=True),
    Field(
        "企业名称",
        "enterprise_name",
        ("单位名称", "填报单位", "填报单位名称"),
        required=True,
        in_head_block=True,
    ),
    Field("货类", "commodity", ("货物类别", "品类", "货物品类"), required=True),
    Field("方向", "direction", (), required=True),
    Field("运输方式", "mode", (), required=True),
    Field("起点", "origin", ("发站", "起运地"), required=True),
    Field("终点", "destination", ("到站", "到达地"), required=True),
    Field("对方单位", "counterparty"),
    Field("通道", "corridor"),
    Field("运距公里", "distance_km", ("运距", "运距(公里)", "运距(km)", "运距(千米)"), required=True),
    Field("运量吨", "tonnes", ("运量", "运量(吨)", "货运量", "货运量吨", "货运量(吨)"), required=True),
    Field("短驳", "drayage", ("是否短驳",)),
    Field("换装站", "transfer_station", ()),
    Field("装载", "loading", ("装载方式",)),
    Field("箱数", "boxes"),
    Field("车数", "vehicles"),
    Field("计量依据", "weighing_basis"),
    Field("备注", "note"),
)
FIELD_BY_NAME = {field.name: field for field in RETURN_FIELDS}
HEAD_BLOCK = {field.header: field.name for field in RETURN_FIELDS if field.in_head_block}
# A column that counts in 万吨: never read as tonnes, its unit-months wait for an answer.
TEN_THOUSAND_TONNES = frozenset({"运量万吨", "运量(万吨)", "货运量(万吨)", "货运量万吨"})
# Other units that a column of tonnes may count in, with what makes tonnes of them once somebody has said so.
OTHER_UNITS = {"万吨": "10000", "公斤": "0.001"}
# The units that a number column counts in, as they may stand under its header or behind its numbers.
UNITS = {
    "tonnes": ("吨", "t"),
    "distance_km": ("公里", "千米", "km"),
    "boxes": ("个", "箱", "只"),
    "vehicles": ("辆", "车", "节"),
}

# What we add to a workbook that goes out and do not read when it comes back: two columns side by side
# (PROBLEM, REMEDY), and sheets whose first cell says so, or that are hidden under this name.
PROBLEM, REMEDY = "问题", "怎样改"
OWN_SHEET_MARK = "本表由系统生成，上传时不读取。"
OPTIONS_SHEET = "选项（勿改）"

REGISTRY_HEADERS = (
    "县区代码", "单位类型", "行业", "集团", "大型", "认定依据", "新建", "省目录", "核定年货运量吨", "报告期",
    "生产状态", "专用线豁免依据", "应报起", "应报止", "生效日期",
)  # fmt: skip
SPUR_HEADERS = (
    "专用线编号", "专用线名称", "性质", "产权单位", "接轨站", "通道", "能力万吨年", "状态", "开通日期",
    "使用单位", "使用关系", "使用起", "使用止",
)  # fmt: skip
OFFICIAL_HEADERS = (
    "方式", "对象类型", "对象", "期别", "数值万吨", "口径", "运营主体", "状态", "来源", "发布日期", "公开",
)  # fmt: skip
TARGET_HEADERS = ("年份", "指标", "目标值", "单位", "责任单位", "依据")
EVENT_HEADERS = ("日期", "说明")


def plain(text: str) -> str:
    """A header as it is compared: half width, without blanks, colons and marks of required cells."""
    return "".join(unicodedata.normalize("NFKC", text).split()).strip(":*")


def other_unit(text: str) -> str | None:
    """万吨 or 公斤 where a header or a corner says so (kg and 千克 are 公斤); None where it says no such thing."""
    found = _OTHER_UNIT.search(plain(text))
    return None if found is None else "万吨" if found[0] == "万吨" else "公斤"


_OTHER_UNIT = re.compile(r"万吨|公斤|千克|kg", re.I)
HEADER_TO_FIELD = {
    plain(header): field.name for field in RETURN_FIELDS for header in (field.header, *field.aliases)
}
# How a head block may name what it says.
HEAD_LABELS = {
    plain(label): field.name
    for field in RETURN_FIELDS
    if field.in_head_block
    for label in (field.header, *field.aliases)
}
# A year and a month that stand in two columns; 月份 is ours besides.
YEAR_HEADERS, MONTH_HEADERS = frozenset({"年", "年份", "年度"}), frozenset({"月", "月份"})
RETURN_HEADERS = frozenset(HEADER_TO_FIELD) | TEN_THOUSAND_TONNES
ALL_HEADERS = RETURN_HEADERS.union(
    REGISTRY_HEADERS, SPUR_HEADERS, OFFICIAL_HEADERS, TARGET_HEADERS, EVENT_HEADERS
)
