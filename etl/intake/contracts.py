"""The small tables that staff import, as data: 名录, 专用线, 官方数, 分解目标, 事件 and the 台账. `imports` reads them.

A contract lists its columns (header, our field, the kind of value, must it be filled, what stands for
empty), the fields that no two rows may share, and what is judged across a row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from etl.intake.words import (
    FORM,
    PLAIN,
    UNKNOWN,
    Reader,
    Word,
    fold,
    half_width,
    list_reader,
    number_reader,
    odd,
    read_free,
    read_key,
    read_month,
    read_uscc,
)  # fmt: skip
from etl.reference import Declared

Row = dict[str, str]
# What is wrong across a row: the rule's code, the field where it shows, what the message names.
Wrong = tuple[str, str, str]

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)")
# A date cell may carry a time of day; only midnight is a date.
_MIDNIGHT = re.compile(r" 0{1,2}:00(:00)?$")
_YEAR = re.compile(r"(20\d\d)年?")
_SEVERAL = re.compile(r"[、,;/＋+]")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LOOKS_LIKE_USCC = re.compile(r"[0-9A-Za-z]{18}|\d(\.\d+)?[Ee]\+\d+")


@dataclass(frozen=True)
class Kind:
    """How the values of a column are read, the rule's code for what cannot be, and what may stand there.

    `known` says it in words; `listed` gives the words of a closed list, in order, empty = no list.
    """

    reader: Callable[[Declared], Reader]
    wrong: str
    known: Callable[[Declared], str] = lambda _: ""
    listed: Callable[[Declared], Iterable[str]] = lambda _: ()


@dataclass(frozen=True)
class Column:
    """`required`: the column and each of its cells. A kind by 对象类型 is chosen row by row."""

    header: str
    field: str
    kind: Kind | Mapping[str, Kind]
    required: bool = False
    default: str = ""


def _nothing(_: Row) -> Iterator[Wrong]:
    yield from ()


@dataclass(frozen=True)
class Contract:
    """`finish` completes a row (it may change it) and yields what is wrong across its fields."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    finish: Callable[[Row], Iterator[Wrong]] = _nothing


# -------------------------------------------------------------------------------------- kinds of values


def read_day(text: str) -> Word:
    """A day as YYYY-MM-DD, written so, as 2025/3/1 or as 2025年3月1日."""
    if word := odd(text):
        return word
    tidy = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", text).strip())
    match = _DAY.fullmatch(fold(tidy))
    if not match:
        return Word(None, UNKNOWN)
    year, *parts = match.groups()
    month, day = (int(part) for part in parts if part)
    try:
        value = date(int(year), month, day).isoformat()
    except ValueError:
        return Word(None, UNKNOWN)
    return Word(value, PLAIN if value == text else FORM)


def _read_year(text: str) -> Word:
    match = _YEAR.fullmatch(fold(text))
    return odd(text) or (Word(match[1]) if match else Word(None, UNKNOWN))


def _read_caliber(text: str) -> Word:
    # 发送+接运 and 发送＋接运 are one caliber: which plus sign was at hand says nothing.
    return odd(text) or Word(fold(text).replace("+", "＋"))


def _unit_reader(declared: Declared) -> Reader:
    """A uscc or a unit code; what looks like a uscc must be one, where units are named by it."""

    def read(text: str) -> Word:
        if declared.plan.unit_key == "uscc" and _LOOKS_LIKE_USCC.fullmatch(fold(text)):
            return read_uscc(text)
        return read_key(text)

    return read


def _enterprise_reader(declared: Declared) -> Reader:
    """A uscc, a unit code, or a name, which only the registry can tell."""
    read_unit = _unit_reader(declared)
    return lambda text: read_unit(text) if fold(text).isascii() else read_free(text)


def _words(*words: str, **aliases: str) -> Kind:
    """A list of words; an alias stands for its word."""
    reader = list_reader({word: word for word in words} | aliases)
    return Kind(lambda _: reader, "T006", lambda _: "、".join(words), lambda _: words)


def _named(names: Callable[[Declared], Mapping[str, str]], file: str) -> Kind:
    """A name that the declared data has, under any of its aliases."""
    return Kind(
        lambda declared: list_reader(names(declared)), "T013", lambda _: file,
        lambda declared: dict.fromkeys(names(declared).values()),
    )  # fmt: skip


def _county_names(declared: Declared) -> Mapping[str, str]:
    return {name: code for code, name in declared.county_names.items()} | {
        code: code for code in declared.county_names
    }


def _commodity_names(declared: Declared) -> Mapping[str, str]:
    return {**declared.commodity_names, "合计": "合计"}


def _official_modes(declared: Declared) -> Mapping[str, str]:
    """Only what is published: rail and road, under their aliases."""
    return {word: mode for word, mode in declared.mode_names.items() if mode in ("铁路", "公路")}


def _indicator_ids(declared: Declared) -> list[str]:
    return [*declared.plan.targets, *declared.plan.references]


def _city_names(declared: Declared) -> Mapping[str, str]:
    area = declared.plan.area
    return dict.fromkeys(("全市", area, declared.plan.area_name), area)


def _modes_reader(declared: Declared) -> Reader:
    """Modes, one or several: 铁路、皮带廊道."""
    read_mode = list_reader(declared.mode_names)

    def read(text: str) -> Word:
        if word := odd(text):
            return word
        words = [read_mode(part) for part in _SEVERAL.split(fold(text))]
        names = [word.value for word in words if word.value is not None]
        if len(names) < len(words):
            return Word(None, UNKNOWN)
        value = "、".join(dict.fromkeys(names))
        return Word(value, PLAIN if value == text else FORM)

    return read


def _measure_names(declared: Declared) -> Mapping[str, str]:
    """The plan's measures by their clause （三）, which may be written 三 or 3."""
    return {
        word: measure.clause
        for measure in declared.measures
        for word in (measure.clause, measure.clause.strip("（）"), str(measure.no))
    }


def _read_percent(text: str) -> Word:
    return number_reader(3, 1)(text.removesuffix("%").removesuffix("％"))


def _read_email(text: str) -> Word:
    if word := odd(text):
        return word
    address = half_width(text)
    return Word(address) if _EMAIL.fullmatch(address) else Word(None, UNKNOWN)


TEXT = Kind(lambda _: read_free, "T006")
CALIBER = Kind(lambda _: _read_caliber, "T006")
KEY = Kind(lambda _: read_key, "T006")
# As many digits as the warehouse holds.
DECIMALS = 6
NUMBER = Kind(lambda _: number_reader(12, DECIMALS), "T007")
TONNES = Kind(lambda _: number_reader(15, 3), "T007")
MONTH = Kind(lambda _: read_month, "T009")
DAY = Kind(lambda _: read_day, "T010")
YEAR = Kind(lambda _: _read_year, "T006", lambda _: "四位年份，如 2025")
USCC = Kind(lambda declared: read_uscc if declared.plan.unit_key == "uscc" else read_key, "T011")
UNIT = Kind(_unit_reader, "T011")
COUNTY = _named(_county_names, "县区清单（counties.csv）")
CORRIDOR = _named(lambda declared: declared.corridor_names, "通道清单（corridors.csv）")
STATION = _named(lambda declared: declared.station_names, "车站清单（stations.csv）")
COMMODITY = _named(_commodity_names, "货类清单（commodities.csv）")
OFFICIAL_MODE = Kind(
    lambda declared: list_reader(_official_modes(declared)), "T006", lambda _: "铁路、公路",
    lambda declared: dict.fromkeys(_official_modes(declared).values()),
)  # fmt: skip
INDICATOR = Kind(
    lambda declared: list_reader({word: word for word in _indicator_ids(declared)}),
    "T006",
    lambda declared: "、".join(_indicator_ids(declared)),
    _indicator_ids,
)
CITY = Kind(
    lambda declared: list_reader(_city_names(declared)),
    "T006",
    lambda declared: f"全市、{declared.plan.area_name}",
)
YES_NO = _words("是", "否")
COUNT = Kind(lambda _: number_reader(9, 0), "T007")
PERCENT = Kind(lambda _: _read_percent, "T007")
EMAIL = Kind(lambda _: _read_email, "T006", lambda _: "邮箱地址，如 name@example.com")
GOODS = _named(lambda declared: declared.commodity_names, "货类清单（commodities.csv）")
MODES = Kind(_modes_reader, "T006", lambda declared: "、".join(mode.name for mode in declared.modes))
MEASURE = Kind(
    lambda declared: list_reader(_measure_names(declared)),
    "T006",
    lambda declared: "、".join(measure.clause for measure in declared.measures),
    lambda declared: [measure.clause for measure in declared.measures],
)
OBJECTS = {
    "全市": CITY,
    "县区": COUNTY,
    "通道": CORRIDOR,
    "车站": STATION,
    "企业": Kind(_enterprise_reader, "T011"),
}


# --------------------------------------------------------------------------------------- across a row


def _finish_unit(row: Row) -> Iterator[Wrong]:
    row["unit_code"] = row["unit_code"] or row["uscc"]
    yield from _order(row, "due_from", "due_to", "应报起")


def _finish_spur(row: Row) -> Iterator[Wrong]:
    yield from _order(row, "use_from", "use_to", "使用起")
    if row["state"] == "开通" and not row["opened_on"]:
        yield "T017", "opened_on", ""


def _finish_target(row: Row) -> Iterator[Wrong]:
    """K1 is in 万吨; every other target is kept as 比例 (0–1), whichever way it was written."""
    is_tonnes = row["indicator"] == "K1"
    if is_tonnes != (row["unit"] == "万吨"):
        yield "T006", "unit", "万吨" if is_tonnes else "%、比例"
    elif not is_tonnes:
        share = Decimal(row["value"]).scaleb(-2 if row["unit"] == "%" else 0)
        if share > 1:
            yield "T008", "value", "比例不超过1，百分数不超过100"
        if share != share.quantize(Decimal(1).scaleb(-DECIMALS), ROUND_DOWN):
            yield "T008", "value", "百分数的小数不超过4位"
        row["value"], row["unit"] = format(share, "f"), "比例"


def _finish_project(row: Row) -> Iterator[Wrong]:
    """By road is the exception that 措施（五） allows in principle only: it needs its basis."""
    if "公路" in (row["actual_modes"] or row["approved_modes"]) and not row["exception_basis"]:
        yield "T022", "exception_basis", "运输方式含公路"


def _finish_task(row: Row) -> Iterator[Wrong]:
    if row["progress"] and Decimal(row["progress"]) > 100:
        yield "T008", "progress", "百分数不超过100"


def _finish_problem(row: Row) -> Iterator[Wrong]:
    yield from _order(row, "raised_on", "due_on", "提出日期")
    yield from _order(row, "raised_on", "closed_on", "提出日期")
    if row["state"] == "已销号":
        yield from (
            ("T023", name, "状态为已销号") for name in ("closed_on", "closing_basis") if not row[name]
        )
    elif row["closed_on"]:
        yield "T023", "state", "填有销号日期，状态应为已销号"


def _finish_commitment(row: Row) -> Iterator[Wrong]:
    yield from _order(row, "promised_on", "due_on", "承诺日期")


def _order(row: Row, first: str, last: str, header: str) -> Iterator[Wrong]:
    # Both are canonical, so the texts sort as time does.
    if row[first] and row[last] and row[last] < row[first]:
        yield "T016", last, f"“{header}”的{row[first]}"


# ---------------------------------------------------------------------------------------- the contracts

REGISTRY = Contract(
    (
        Column("统一社会信用代码", "uscc", USCC, required=True),
        Column("填报单位编码", "unit_code", KEY),
        Column("企业名称", "name", TEXT, required=True),
        Column("县区代码", "county_code", COUNTY, required=True),
        Column("单位类型", "kind", _words("工矿企业", "物流园区"), required=True),
        Column("行业", "industry", TEXT),
        Column("集团", "group_name", TEXT),
        Column("大型", "is_large", YES_NO, required=True),
        Column("认定依据", "large_basis", TEXT),
        Column("新建", "is_new", YES_NO, default="否"),
        Column("省目录", "in_catalogue", YES_NO),
        Column("核定年货运量吨", "approved_tonnes", TONNES),
        Column(
            "报告期",
            "period_basis",
            _words("自然月", "26—25日", **dict.fromkeys(("26-25日", "26–25日", "26日—25日"), "26—25日")),
            default="自然月",
        ),
        Column("生产状态", "production_state", _words("正常", "停产"), default="正常"),
        Column("专用线豁免依据", "exemption_basis", TEXT),
        Column("应报起", "due_from", MONTH),
        Column("应报止", "due_to", MONTH),
        Column("生效日期", "valid_from", DAY),
    ),
    key=("unit_code", "valid_from"),
    finish=_finish_unit,
)
SPURS = Contract(
    (
        Column("专用线编号", "spur_code", KEY, required=True),
        Column("专用线名称", "spur_name", TEXT, required=True),
        Column("性质", "kind", _words("专用线", "专用铁路"), default="专用线"),
        Column("产权单位", "owner", TEXT),
        Column("接轨站", "junction", STATION),
        Column("通道", "corridor", CORRIDOR),
        Column("能力万吨年", "capacity", NUMBER),
        Column("状态", "state", _words("前期", "在建", "开通", "停用"), required=True),
        Column("开通日期", "opened_on", DAY),
        Column("使用单位", "user_code", UNIT, required=True),
        Column("使用关系", "relation", _words("自有", "共用", "租用"), required=True),
        Column("使用起", "use_from", DAY),
        Column("使用止", "use_to", DAY),
    ),
    key=("spur_code", "user_code", "use_from"),
    finish=_finish_spur,
)
OFFICIAL = Contract(
    (
        Column("月份", "month", MONTH, required=True),
        Column("方式", "mode", OFFICIAL_MODE, required=True),
        Column("对象类型", "object_type", _words("全市", "县区", "通道", "车站"), required=True),
        Column("对象", "object", OBJECTS, required=True),
        Column("货类", "commodity", COMMODITY, required=True),
        Column("期别", "period_kind", _words("当期", "累计"), default="当期"),
        Column("数值万吨", "value", NUMBER, required=True),
        Column("口径", "caliber", CALIBER, required=True),
        Column("运营主体", "operator", TEXT),
        Column(
            "状态",
            "status",
            _words("快报", "月报确报", "年报核定", 速报="快报", 确报="月报确报"),
            required=True,
        ),
        Column("来源", "source", TEXT, required=True),
        Column("发布日期", "published_on", DAY, required=True),
        Column("公开", "is_public", YES_NO, default="否"),
    ),
    key=(
        "month", "mode", "object_type", "object", "commodity", "period_kind", "caliber", "operator", "status",
        "published_on",
    ),
)  # fmt: skip
TARGETS = Contract(
    (
        Column("年份", "year", YEAR, required=True),
        Column("指标", "indicator", INDICATOR, required=True),
        Column("对象类型", "object_type", _words("县区", "通道", "企业"), required=True),
        Column("对象", "object", OBJECTS, required=True),
        Column("目标值", "value", NUMBER, required=True),
        Column("单位", "unit", _words("万吨", "%", "比例"), required=True),
        Column("责任单位", "responsible", TEXT),
        Column("依据", "basis", TEXT),
    ),
    key=("year", "indicator", "object_type", "object"),
    finish=_finish_target,
)
EVENTS = Contract(
    (
        Column("日期", "date", DAY, required=True),
        Column("对象类型", "object_type", _words(*OBJECTS), required=True),
        Column("对象", "object", OBJECTS, required=True),
        Column("说明", "note", TEXT, required=True),
    ),
    key=("date", "object_type", "object", "note"),
)
PROJECTS = Contract(
    (
        Column("项目", "project", TEXT, required=True),
        Column("批复文号", "approval_no", TEXT),
        Column("县区", "county_code", COUNTY, required=True),
        Column("年大宗量万吨", "bulk_volume", NUMBER, required=True),
        Column("批复运输方式", "approved_modes", MODES),
        Column("实际方式", "actual_modes", MODES),
        Column("例外依据", "exception_basis", TEXT),
        Column("节点", "stage", TEXT),
    ),
    key=("project",),
    finish=_finish_project,
)
STATION_LIST = Contract(
    (
        Column("月份", "month", MONTH, required=True),
        Column("车站", "station", STATION, required=True),
        Column("托运人", "shipper", UNIT, required=True),
        Column("货类", "commodity", GOODS, required=True),
        Column("方向", "direction", _words("发运", "到达"), required=True),
        Column("运量吨", "tonnes", TONNES, required=True),
    ),
    key=("month", "station", "shipper", "commodity", "direction"),
)
TASKS = Contract(
    (
        Column("任务编号", "task_code", KEY, required=True),
        Column("措施", "measure", MEASURE, required=True),
        Column("任务", "task", TEXT, required=True),
        Column("节点", "node", TEXT),
        Column("完成时限", "due_on", DAY),
        Column("责任单位", "responsible", TEXT, required=True),
        Column("配合单位", "supporting", TEXT),
        Column("进度", "progress", PERCENT),
        Column("状态", "state", _words("未开展", "推进中", "已完成", "暂缓"), default="推进中"),
        Column("进展", "note", TEXT),
    ),
    key=("task_code",),
    finish=_finish_task,
)
PROBLEMS = Contract(
    (
        Column("问题编号", "problem_code", KEY, required=True),
        Column("措施", "measure", MEASURE, required=True),
        Column("任务编号", "task_code", KEY),
        Column("县区", "county_code", COUNTY),
        Column("问题", "problem", TEXT, required=True),
        Column("责任单位", "responsible", TEXT, required=True),
        Column("提出日期", "raised_on", DAY, required=True),
        Column("整改时限", "due_on", DAY),
        Column("状态", "state", _words("未销号", "已销号"), default="未销号"),
        Column("销号日期", "closed_on", DAY),
        Column("销号依据", "closing_basis", TEXT),
    ),
    key=("problem_code",),
    finish=_finish_problem,
)
COMMITMENTS = Contract(
    (
        Column("单位", "unit_code", UNIT, required=True),
        Column("承诺措施", "measure", TEXT, required=True),
        Column("承诺运量吨", "tonnes", TONNES, required=True),
        Column("承诺日期", "promised_on", DAY, required=True),
        Column("兑现期限", "due_on", DAY, required=True),
        Column("依据", "basis", TEXT),
    ),
    key=("unit_code", "measure", "due_on"),
    finish=_finish_commitment,
)
BILLS = Contract(
    (
        Column("月份", "month", MONTH, required=True),
        Column("运营主体", "operator", TEXT, required=True),
        Column("运单票数", "waybills", COUNT, required=True),
        Column("箱数", "boxes", COUNT, required=True),
    ),
    key=("month", "operator"),
)
CONTACTS = Contract(
    (
        Column("单位", "unit_code", UNIT, required=True),
        Column("联系人", "person", TEXT, required=True),
        Column("邮箱", "email", EMAIL, required=True),
        Column("启用", "is_active", YES_NO, default="是"),
    ),
    key=("unit_code", "email"),
)
CONTRACTS: dict[str, Contract] = {
    "registry": REGISTRY,
    "spurs": SPURS,
    "official": OFFICIAL,
    "targets": TARGETS,
    "events": EVENTS,
    "projects": PROJECTS,
    "station_list": STATION_LIST,
    "tasks": TASKS,
    "problems": PROBLEMS,
    "commitments": COMMITMENTS,
    "bills": BILLS,
    "contacts": CONTACTS,
}
