"""The story that the demonstration set (演示数据) tells, as tables; make_sample.py turns it into files.

Everything is invented: units, codes, tonnes, distances, official figures. Each table has something to
show: units on both sides of each bound, spurs that open, returns that are missing, late or amended.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date

LABEL = "# 演示数据：单位、运量、里程均为虚构，仅供演示，不得引用"
TODAY = date(2026, 10, 12)
SEED = 7
YEARS = range(2022, 2027)
MONTHS = [f"{y}-{m:02d}" for y in YEARS for m in range(1, 13) if (y, m) <= (2026, 9)]
LAST = MONTHS[-1]
RAIL, ROAD, NEV, BELT = "铁路", "公路", "公路（新能源）", "皮带廊道"
# Railway bills are in whole tonnes, weighbridges print ten kilograms, belt scales one.
GRAIN_KG = {RAIL: 1000, ROAD: 10, NEV: 10, BELT: 1}
WEIGHED = {RAIL: "铁路运单", ROAD: "磅单", NEV: "磅单", BELT: "推算"}
BOX_LOAD_T = {"敞顶箱": 31, "集装箱": 26}

# Demonstration stations on lines for which the declared list has none: name, corridor, county.
STATIONS = [
    ("示例静乐站", "宁静", "140926"),
    ("示例河曲站", "神河", "140930"),
    ("示例保德站", "神河", "140931"),
    ("示例偏关站", "准池", "140932"),
]
COAL_AREAS = ["140925", "140926", "140930", "140931", "140932", "140981"]

# 认定里程 of the demonstration, as drawn: origin | destination corridor km (as written), …
OD_TABLE = """
宁武西 | 黄骅港 朔黄 562, 保定 朔黄 430, 示例电力二厂 朔黄 75.5, 太原 同蒲 212
宁武 | 秦皇岛港 同蒲 826, 太原 同蒲 205, 唐山 同蒲 745, 静乐 宁静 70
阳方口 | 秦皇岛港 同蒲 819
示例静乐站 | 黄骅港 宁静 648, 曹妃甸港 宁静 842, 太原 宁静 96
冯家川 | 日照港 兴保 1296, 吕梁 兴保 130
示范物流园六园 | 日照港 兴保 1292.5, 吕梁 兴保 132
示例保德站 | 黄骅港 神河 742, 朔州 神河 170, 唐山 神河 838, 包头 神河 430
示例河曲站 | 黄骅港 神河 694, 天津港 神河 760, 朔州 神河 110, 鄂尔多斯 神河 165
示例偏关站 | 黄骅港 准池 703, 朔州 准池 95
轩岗 | 秦皇岛港 同蒲 794, 沧州 朔黄 500.0, 原平 同蒲 38
神池南 | 黄骅港 朔黄 588, 朔州 朔黄 62
神池 | 秦皇岛港 五岢 780, 朔州 五岢 62
五寨 | 黄骅港 五岢 655, 郑州 五岢 812
原平 | 唐山 京原 702, 石家庄 同蒲 330, 吕梁 同蒲 262, 大同 同蒲 190
原平 | 太原 同蒲 122, 孝义 同蒲 258, 包头 同蒲 590, 郑州 同蒲 692
原平南 | 黄骅港 朔黄 517, 沧州 朔黄 499.95
东冶 | 黄骅港 朔黄 476, 石家庄 朔黄 210
代县 | 唐山 京原 640, 太原 同蒲 165
繁峙 | 唐山 京原 602, 定襄 京原 135
大营 | 保定 京原 280
忻州 | 太原 同蒲 80, 宁武 同蒲 128, 通辽 同蒲 1150, 天津港 同蒲 590
定襄 | 太原 忻河 100, 天津港 忻河 612
保德 | 兴县 兴保 60, 府谷 神河 35
岢岚 | 太原 五岢 190
五台 | 石家庄 朔黄 190
五台山景区 | 太原 忻河 215
"""
OD = [
    (origin, *end.split())
    for line in OD_TABLE.strip().splitlines()
    for origin, ends in [line.split(" | ")]
    for end in ends.split(", ")
]
DISTANCE = {(origin, destination): (line, km) for origin, destination, line, km in OD}
DISTANCE |= {(d, o): found for (o, d), found in DISTANCE.items()}


def dice(*key: object) -> random.Random:
    """Chance of its own for each key, so that a change of one flow leaves the others as they were."""
    return random.Random("/".join(map(str, (SEED, *key))))


def following(month: str, day: int) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}-{day:02d}"


@dataclass(frozen=True)
class Unit:
    name: str
    county: str
    industry: str
    large: str = "否"
    catalogue: str = ""  # 省目录
    approved_t: str = ""
    new: str = ""  # 新建, parks only
    due_from: str = "2022-01"
    due_to: str = ""
    code: str = ""  # 填报单位编码, where one uscc has several units
    uscc_of: str = ""  # the unit whose uscc is shared
    exemption: str = ""
    period: str = "自然月"
    valid_from: str = ""


EXEMPT = "演示依据：坑口电厂皮带直供，研究同意暂缓建设专用线"
UNITS = {
    "M01": Unit("示例煤业一矿", "140925", "煤炭开采", "是", "是", "17000000"),
    "M02": Unit("示例煤业二矿", "140925", "煤炭开采", "是", "是", "9000000"),
    "M03": Unit("示例煤业三矿", "140926", "煤炭开采", "是", "是", "9000000"),
    "M04": Unit("示例煤业四矿", "140931", "煤炭开采", "是", "是", "8000000"),
    "M05": Unit("示例煤业五矿", "140931", "煤炭开采", "是", "是", "13000000"),
    "M06": Unit("示例煤业六矿", "140930", "煤炭开采", "是", "是", "14500000"),
    "M07": Unit("示例煤业七矿", "140930", "煤炭开采", "是", "是", "3500000"),
    "M08": Unit("示例煤业八矿", "140932", "煤炭开采", "是", "是", "8500000"),
    "M09": Unit("示例煤业九矿", "140981", "煤炭开采", "是", "", "7000000", period="26—25日"),
    "M10": Unit(
        "示例煤业十矿一井", "140927", "煤炭开采", "是", "是", "6500000", code="SL10-1", uscc_of="M10"
    ),
    "M11": Unit(
        "示例煤业十矿二井", "140927", "煤炭开采", "是", "是", "5500000", code="SL10-2", uscc_of="M10"
    ),
    "W01": Unit("示例洗煤一厂", "140925", "煤炭洗选", "是", "是", "3800000"),
    "W02": Unit("示例洗煤二厂", "140926", "煤炭洗选", "是", "是", "2500000"),
    "W03": Unit("示例洗煤三厂", "140925", "煤炭洗选", "否", "", "1450000"),
    "W04": Unit("示例洗煤四厂", "140928", "煤炭洗选", approved_t="450000"),
    "J01": Unit("示例焦化一厂", "140981", "焦化", "是", "", "4200000"),
    "J02": Unit("示例焦化二厂", "140925", "焦化", "是", "否", "1400000"),
    "J03": Unit("示例焦化三厂", "140931", "焦化", "是", "", "2400000"),
    "E01": Unit("示例电力一厂", "140930", "电力", "是", "", "5000000", exemption=EXEMPT),
    "E02": Unit("示例电力二厂", "140981", "电力", "是", "", "2300000"),
    "E03": Unit("示例电力三厂", "140931", "电力", "是", "否", "2000000"),
    "A01": Unit("示例铝业一厂", "140981", "氧化铝", "是", "是", "3800000"),
    "A02": Unit("示例铝业二厂", "140931", "氧化铝", "是", "", "2000000"),
    "O01": Unit("示例矿业一矿", "140923", "铁矿采选", "是", "是", "1400000"),
    "O02": Unit("示例矿业二矿", "140924", "铁矿采选", "是", "", "1600000"),
    "O03": Unit("示例矿业三矿", "140924", "铁矿采选", approved_t="320000"),
    "C01": Unit("示例水泥一厂", "140902", "水泥", "是", "", "1600000", period="26—25日"),
    "C02": Unit("示例水泥二厂", "140922", "水泥", approved_t="950000"),
    "S01": Unit("示例钢铁一厂", "140921", "钢铁", "是", "否", "700000"),
    "Q01": Unit("示例石料一场", "140929", "建材开采", approved_t="800000"),
    "Q02": Unit("示例石料二场", "140922", "建材开采", due_to="2025-12"),
    "G01": Unit("示例粮库一库", "140928", "粮食仓储", approved_t="80000"),
    "G02": Unit("示例粮库二库", "140902", "粮食仓储", approved_t="150000"),
    "P01": Unit("示范物流园一园", "140925", "物流", "是", "是", "6500000", "是", "2023-03"),
    "P02": Unit("示范物流园二园", "140981", "物流", "是", "是", "4500000", "是"),
    "P03": Unit("示范物流园三园", "140927", "物流", "否", "", "1500000", "否"),
    "P04": Unit("示范物流园四园", "140922", "物流", "否", "", "2200000", "是"),
    "P05": Unit("示范物流园五园", "XZJK", "物流", "否", "否", "600000", "是", "2022-07"),
    "P06": Unit("示范物流园六园", "140931", "物流", "是", "", "7000000", "是", "2024-01"),
    # In the populations of 2026, but not one return so far and no 核定年货运量: its months are unknown.
    "P07": Unit("示范物流园七园", "140932", "物流", "否", "是", "", "是", "2026-04", valid_from="2026-03-01"),
    "X01": Unit("示例装备一厂", "XZJK", "装备制造", approved_t="120000", due_from="2023-01"),
    "X02": Unit("示例物资一站", "WTSJ", "商贸", due_from="2024-01"),
}

# Dated changes of the registry: unit, 生效日期, column → value from that day on.
HISTORY = [
    ("W03", "2024-07-01", {"大型": "是", "认定依据": "演示名录"}),
    ("J02", "2023-07-01", {"生产状态": "停产"}),
    ("J02", "2024-03-01", {"生产状态": "正常"}),
]
HALTED = {"J02": ("2023-07", "2024-02")}

# number | junction, corridor, 万吨 a year, state, opened on | user, relation, since; the first user owns it
SPUR_TABLE = """
01 | 宁武西 朔黄 2050 开通 2016-05-20 | M01 自有 -, W01 共用 2023-04-01
02 | 宁武 同蒲 820 开通 2014-09-12 | M02 自有 -
03 | 示例静乐站 宁静 700 开通 2019-03-08 | M03 自有 -
04 | 冯家川 兴保 720 开通 2024-06-18 | M04 自有 -
05 | 示例保德站 神河 1100 开通 2012-11-30 | M05 自有 -, J03 租用 2022-01-01
06 | 示例河曲站 神河 1050 开通 2013-10-01 | M06 自有 -
07 | 示例偏关站 准池 700 开通 2017-04-26 | M08 自有 -
08 | 轩岗 同蒲 600 开通 2009-06-15 | M09 自有 -
09 | 神池南 朔黄 1000 开通 2015-12-18 | M10 自有 -, M11 共用 -
10 | 原平 京原 280 开通 2018-08-20 | J01 自有 -
11 | 原平 同蒲 300 开通 2011-07-05 | A01 自有 -
12 | 宁武西 朔黄 600 开通 2023-03-01 | P01 自有 -
13 | 原平南 朔黄 350 开通 2021-10-28 | P02 自有 -
14 | 冯家川 兴保 620 开通 2023-11-16 | P06 自有 -
15 | 代县 京原 120 开通 2020-05-06 | O01 自有 -
16 | 东冶 朔黄 160 开通 2022-02-10 | P04 自有 -
17 | 忻州 同蒲 60 开通 2022-06-30 | P05 自有 -
18 | 神池 五岢 80 开通 2008-04-18 | P03 自有 -
19 | 示例偏关站 准池 300 开通 2026-03-01 | P07 自有 -
20 | 示例静乐站 宁静 300 在建 - | W02 自有 -
21 | 冯家川 兴保 200 在建 - | A02 自有 -
22 | 原平 同蒲 250 前期 - | E02 自有 -
23 | 定襄 忻河 60 停用 2003-09-01 | S01 自有 -
"""


@dataclass(frozen=True)
class Flow:
    """One flow of a unit: kt in 2025, and its rail share in per cent in 2022, 2025 and 2026."""

    unit: str
    commodity: str
    direction: str
    origin: str
    destination: str
    kt: float
    rail: tuple[float, float, float] = (0, 0, 0)
    growth: float = 1.0  # per cent a year
    nev: float = 8  # new-energy lorries in per cent of the road tonnes of 2025
    box: str = "敞顶箱"
    boxed: float = 0  # per cent of the rail tonnes of 2025
    partner: str = ""
    first: str = MONTHS[0]
    last: str = LAST
    dray: tuple[str, float, float] | None = None  # from where to the station, km, per cent new-energy
    park: str = ""  # the park that loads the trains
    belt: tuple[str, float] | None = None  # corridor beside, km: the whole flow by belt


def out(unit: str, commodity: str, origin: str, destination: str, kt: float, *rail: float, **more) -> Flow:
    return Flow(unit, commodity, "发运", origin, destination, kt, rail or (0, 0, 0), **more)


def arriving(
    unit: str, commodity: str, origin: str, destination: str, kt: float, *rail: float, **more
) -> Flow:
    return Flow(unit, commodity, "到达", origin, destination, kt, rail or (0, 0, 0), **more)


COAL, COKE, ORE, STONE, GRAIN, STEEL = "煤炭", "焦炭", "金属矿石", "矿建材料", "粮食", "钢铁"
FLOWS = [
    out("M01", COAL, "宁武西", "黄骅港", 14000, 93, 96.3, 97.2, boxed=15),
    out("M01", COAL, "宁武西", "保定", 1300, 66, 80, 84),
    out("M01", COAL, "宁武西", "示例电力二厂", 900, 20, 42, 50, nev=40, partner="E02"),
    out("M02", COAL, "宁武", "秦皇岛港", 6800, 90, 94, 95.2, boxed=10),
    out("M02", COAL, "宁武", "太原", 1850, 20, 28, 33),
    out("M03", COAL, "示例静乐站", "黄骅港", 5800, 83, 88, 91.5),
    out("M03", COAL, "示例静乐站", "曹妃甸港", 1000, 78, 85, 88, boxed=60),
    out("M03", COAL, "示例静乐站", "太原", 1950, 0, 4, 6, nev=30),
    out("M04", COAL, "冯家川", "日照港", 6100, 52, 62, 62, last="2024-06", dray=("示例煤业四矿", 14, 35)),
    out("M04", COAL, "冯家川", "日照港", 6300, 86, 91.5, 93.5, first="2024-07"),
    out("M04", COAL, "冯家川", "吕梁", 1300, 5, 12, 15),
    out("M04", COAL, "示例煤业四矿", "示例焦化三厂", 900, partner="J03", belt=("神河", 11.6)),
    out("M05", COAL, "示例保德站", "黄骅港", 9200, 89, 92.8, 94.2),
    out("M05", COAL, "示例保德站", "朔州", 1350, 0, 4, 6),
    out("M05", COAL, "示例煤业五矿", "示例电力三厂", 1800, partner="E03", belt=("神河", 12.4)),
    out("M06", COAL, "示例河曲站", "黄骅港", 9300, 86, 90.8, 92.6, boxed=20),
    out("M06", COAL, "示例河曲站", "天津港", 600, 70, 80, 85),
    out("M06", COAL, "示例河曲站", "朔州", 1350, 0, 5, 8, nev=35),
    out("M06", COAL, "示例煤业六矿", "示例电力一厂", 3000, partner="E01", belt=("神河", 8.2)),
    out("M07", COAL, "示例河曲站", "黄骅港", 2300, 30, 38, 38, last="2023-12", dray=("示例煤业七矿", 18, 10)),
    out(
        "M07",
        COAL,
        "示范物流园六园",
        "日照港",
        2400,
        40,
        60,
        68,
        first="2024-01",
        park="P06",
        dray=("示例煤业七矿", 46, 45),
    ),
    out("M07", COAL, "示例河曲站", "朔州", 500),
    out("M08", COAL, "示例偏关站", "黄骅港", 6700, 78, 86, 89),
    out("M08", COAL, "示例偏关站", "朔州", 1100),
    out("M09", COAL, "轩岗", "秦皇岛港", 4800, 82, 87.5, 89.5),
    out("M09", COAL, "轩岗", "沧州", 300, 70, 80, 82),
    out("M09", COAL, "轩岗", "原平", 1400, 10, 24, 28, nev=30, partner="J01"),
    out("M10", COAL, "神池南", "黄骅港", 4900, 92, 95, 95.6, boxed=10),
    out("M10", COAL, "神池南", "朔州", 850),
    out("M11", COAL, "神池南", "黄骅港", 4100, 88, 93, 93.5),
    out("M11", COAL, "神池南", "朔州", 650, nev=25),
    out("W01", COAL, "宁武西", "黄骅港", 2900, 64, 70, 70, last="2023-03", dray=("示例洗煤一厂", 12, 15)),
    out("W01", COAL, "宁武西", "黄骅港", 3000, 70, 84, 87.5, first="2023-04"),
    out("W01", COAL, "宁武西", "太原", 650, 0, 5, 5),
    out("W02", COAL, "示例静乐站", "黄骅港", 2200, 45, 62, 71, dray=("示例洗煤二厂", 22.5, 60)),
    out("W03", COAL, "阳方口", "秦皇岛港", 1250, 45, 66, 74, dray=("示例洗煤三厂", 9.3, -1)),
    out("W04", COAL, "五寨", "黄骅港", 380, 20, 40, 45, dray=("示例洗煤四厂", 6, 0)),
    out("J01", COKE, "原平", "唐山", 1500, 74, 84, 87, boxed=20),
    out("J01", COKE, "原平", "石家庄", 500, 30, 45, 50),
    arriving("J01", COAL, "吕梁", "原平", 700, 40, 55, 60),
    out("J02", COKE, "宁武", "唐山", 850, 35, 48, 56, dray=("示例焦化二厂", 7, 0)),
    arriving("J02", COAL, "静乐", "宁武", 450, nev=12),
    out("J03", COKE, "示例保德站", "唐山", 900, 60, 72, 77),
    arriving("J03", COAL, "府谷", "保德", 500, nev=30),
    arriving("E01", COAL, "鄂尔多斯", "示例河曲站", 1100, nev=25),
    out("E01", "工业副产", "示例河曲站", "朔州", 420),
    arriving("E02", COAL, "大同", "原平", 800, 50, 62, 66),
    out("E02", "工业副产", "原平", "太原", 300),
    out("E03", "工业副产", "示例保德站", "朔州", 210),
    arriving("A01", "非金属矿石", "孝义", "原平", 1500, 60, 76, 80),
    out("A01", "有色金属", "原平", "包头", 900, 80, 92, 93),
    out("A01", "有色金属", "原平", "郑州", 600, 75, 88, 90, boxed=35),
    arriving("A02", "非金属矿石", "兴县", "保德", 1300, nev=18),
    out("A02", "有色金属", "示例保德站", "包头", 520, 30, 45, 52, dray=("示例铝业二厂", 8.5, 0)),
    out("O01", ORE, "代县", "唐山", 900, 78, 90, 91),
    out("O01", ORE, "代县", "太原", 300, 40, 58, 62),
    out("O02", ORE, "繁峙", "唐山", 900, 30, 42, 46, dray=("示例矿业二矿", 10, 20)),
    out("O02", ORE, "繁峙", "定襄", 590, partner="S01", nev=10),
    out("O03", ORE, "大营", "保定", 260),
    out("C01", "水泥", "忻州", "太原", 720, nev=15),
    arriving("C01", "非金属矿石", "示例石灰石矿", "示例水泥一厂", 600, belt=("同蒲", 5.2)),
    arriving("C01", COAL, "宁武", "忻州", 180, 10, 16, 18),
    out("C02", "水泥", "五台", "石家庄", 380),
    arriving("C02", "非金属矿石", "示例石灰石矿", "示例水泥二厂", 470, belt=("朔黄", 4)),
    arriving("S01", STEEL, "太原", "定襄", 320, growth=-1),
    out("S01", STEEL, "定襄", "天津港", 280, 8, 28, 33, dray=("示例钢铁一厂", 5, 0)),
    out("Q01", STONE, "岢岚", "太原", 700, nev=12),
    out("Q02", STONE, "五台", "石家庄", 340),
    out("G01", GRAIN, "五寨", "郑州", 62, 20, 31, 35, dray=("示例粮库一库", 3, 0)),
    arriving("G02", GRAIN, "通辽", "忻州", 125, 50, 64, 70),
    out(
        "P01",
        COAL,
        "宁武西",
        "黄骅港",
        5200,
        84,
        91,
        92.5,
        boxed=40,
        first="2023-03",
        dray=("宁武周边煤矿", 21, 30),
    ),
    out("P01", COAL, "宁武西", "太原", 420, first="2023-03"),
    out("P02", COAL, "原平南", "黄骅港", 2800, 80, 88, 90, boxed=30, dray=("原平周边煤矿", 26, 20)),
    out("P02", ORE, "原平南", "沧州", 450, 58, 69, 72, dray=("代县周边铁矿", 38, 5)),
    out("P03", COAL, "神池", "秦皇岛港", 900, 50, 60, 62, dray=("神池周边煤矿", 17, 0)),
    out("P03", COAL, "神池", "朔州", 300),
    out("P04", COAL, "东冶", "黄骅港", 1300, 70, 82, 84, dray=("五台周边煤场", 31, 15)),
    out("P04", STONE, "东冶", "石家庄", 520, 22, 36, 38, dray=("五台周边石料场", 12, 0)),
    out("P05", STEEL, "忻州", "天津港", 210, 40, 60, 64, box="集装箱", boxed=100, first="2022-07"),
    out("P05", "其他", "忻州", "天津港", 160, 35, 55, 60, box="集装箱", boxed=100, first="2022-07"),
    out(
        "P06",
        COAL,
        "示范物流园六园",
        "日照港",
        3900,
        84,
        91.5,
        93,
        boxed=25,
        first="2024-01",
        dray=("保德周边煤矿", 19, 40),
    ),
    out("P06", COAL, "示范物流园六园", "吕梁", 380, first="2024-01"),
    out(
        "X01",
        "机电产品",
        "忻州",
        "天津港",
        26,
        0,
        12,
        15,
        box="集装箱",
        boxed=100,
        dray=("示例装备一厂", 6, 50),
    ),
    arriving("X01", STEEL, "太原", "忻州", 58),
    arriving("X02", "石油及制品", "太原", "五台山景区", 24),
    arriving("X02", GRAIN, "太原", "五台山景区", 7),
]

# Months of a year, in per cent of the mean month.
SEASON = {
    "coal": (110, 96, 101, 96, 95, 96, 101, 101, 95, 97, 105, 107),
    "build": (45, 40, 88, 112, 120, 118, 112, 115, 122, 120, 100, 68),
    "grain": (130, 80, 90, 80, 60, 50, 40, 40, 90, 170, 190, 160),
    "flat": (101, 92, 101, 100, 100, 100, 101, 101, 100, 101, 101, 102),
}
SEASON_OF = {COAL: "coal", COKE: "coal", "水泥": "build", STONE: "build", GRAIN: "grain"}
SPRING_FESTIVAL = {
    "2022-02": 0.88,
    "2023-01": 0.86,
    "2024-02": 0.88,
    "2025-01": 0.9,
    "2025-02": 0.95,
    "2026-02": 0.87,
}
# corridor, month → what stays of the tonnes and of the rail share.
DISTURBED = {
    ("朔黄", "2025-10"): (0.90, 0.86),
    ("宁静", "2025-07"): (0.92, 0.80),
    ("京原", "2024-08"): (0.94, 0.85),
}

# Totals drawn on purpose, in kg: C01 moves around 150 万吨, O02 stands exactly on it.
PINNED_TOTAL = {
    ("C01", "2022"): 1_471_902_350,
    ("C01", "2023"): 1_512_345_600,
    ("C01", "2024"): 1_487_220_420,
    ("C01", "2025"): 1_503_118_250,
    ("O02", "2024"): 1_462_000_300,
    ("O02", "2025"): 1_500_000_000,
}
PINNED_80_PERCENT = ("M02", "2025")
MISSING = {
    ("M06", "2025-08"),
    ("W02", "2025-11"),
    ("Q01", "2025-06"),
    ("P04", "2025-12"),
    ("M08", "2026-09"),
    ("J03", "2026-09"),
    ("O03", "2026-09"),
}
# Not one return since then.
SILENT_FROM = {"X02": "2026-03"}
ZERO = {
    *(("G01", f"{y}-{m}") for y in YEARS for m in ("06", "07", "08")),
    *(("Q02", f"{y}-{m}") for y in (2022, 2023, 2024, 2025) for m in ("01", "02")),
    ("O03", "2023-02"),
    ("X02", "2024-12"),
}
# Version 1 left out a list of trains: unit → missing kg. With it M10's year stands above 80 %, without below.
AMENDED_MONTH, AMENDED_ON = "2025-05", "2025-07-15"
AMENDED = {"M01": 420_000_000, "M10": 120_000_000}

TARGETS = [
    ("2024", "K1", "通道", "朔黄", "6700", "万吨", "原平车务段", "演示分解"),
    ("2025", "K1", "通道", "朔黄", "6800", "万吨", "原平车务段", "演示分解"),
    ("2024", "K1", "县区", "保德县", "2300", "万吨", "保德县人民政府", "演示分解"),
    ("2025", "K1", "县区", "保德县", "2450", "万吨", "保德县人民政府", "演示分解"),
]
EVENTS = [
    ("2023-03-01", "通道", "朔黄", "演示：示范物流园一园专用线开通"),
    ("2024-02-10", "全市", "全市", "演示：春节，矿井放假"),
    ("2024-06-18", "企业", "示例煤业四矿", "演示：专用线开通，改由专用线直接装车"),
    ("2024-08-06", "通道", "京原", "演示：暴雨，部分区段限速"),
    ("2025-01-29", "全市", "全市", "演示：春节，矿井放假"),
    ("2025-07-12", "通道", "宁静", "演示：暴雨，停装九天"),
    ("2025-10-08", "通道", "朔黄", "演示：秋季集中修，至10月27日"),
    ("2026-02-17", "全市", "全市", "演示：春节，矿井放假"),
    ("2026-03-01", "通道", "准池", "演示：示范物流园七园专用线开通"),
]
# 台账. No figure here is one of the plan; each text says 演示. Columns as in the files.
PROJECT_TABLE = """
演示项目一：矿井改扩建|演示批〔2024〕1号|宁武县|260|铁路|铁路||已投产
演示项目二：焦化升级|演示批〔2024〕2号|保德县|180|铁路、皮带廊道|铁路、公路|演示依据：专用线在建，过渡期一年|试运行
演示项目三：洗选厂新建|演示批〔2025〕1号|静乐县|120|皮带廊道|||在建
演示项目四：水泥粉磨站|演示批〔2025〕2号|原平市|90|公路||演示依据：年运量小，批复同意|前期
演示项目五：装备制造|演示批〔2025〕3号|定襄县|0|公路||演示依据：不涉大宗物料|在建
"""
TASK_TABLE = """
RW01|（三）|演示：宁静线瓶颈路段扩能前期工作|完成可研评审|2026-12-31|市发改委|原平车务段|60|推进中|演示：可研已报审
RW02|（四）|演示：示范物流园纳入货运枢纽储备库|入库|2026-06-30|市交通运输局|市财政局|100|已完成|演示：已入库
RW03|（五）|演示：示例煤业四矿专用线达产|到发线延长|2026-09-30|原平车务段|市交通运输局|80|推进中|演示：施工中
RW04|（五）|演示：示例焦化三厂接轨方案|接轨方案批复|2027-03-31|市交通运输局|原平车务段|30|推进中|
RW05|（七）|演示：35吨敞顶箱一箱到底试点|开行两列|2026-11-30|原平车务段|市商务局|50|推进中|
RW06|（十）|演示：站场充换电设施建设|建成两处|2026-12-31|市交通局|市能源局||未开展|
RW07|（十七）|演示：季度调度会|按季召开|2026-12-31|市交通运输局||75|推进中|演示：已召开三次
"""
PROBLEM_TABLE = """
WT01|（五）|RW03|保德县|演示：到发线用地手续未办结|保德县人民政府|2026-05-20|2026-08-31|未销号||
WT02|（五）|RW04|保德县|演示：接轨方案两次退回|原平车务段|2026-03-10|2026-06-30|已销号|2026-06-25|演示依据：方案已批复
WT03|（三）|RW01||演示：可研资金渠道未落实|市发改委|2026-07-15|2026-12-15|未销号||
"""
PROJECTS, TASKS, PROBLEMS = (
    [line.split("|") for line in lines.strip().splitlines()]
    for lines in (PROJECT_TABLE, TASK_TABLE, PROBLEM_TABLE)
)
# unit, what, tonnes a year, promised, due.
COMMITMENTS = [
    ("M04", "专用线达产后公转铁", "600000", "2026-01-20", "2026-12-31"),
    ("J03", "焦炭改用敞顶箱铁路发运", "150000", "2026-03-05", "2026-09-30"),
    ("E02", "进厂煤改由铁路到达", "200000", "2026-04-10", "2027-03-31"),
]
# month by month from the first: 运单票数, 箱数.
BILLS = {"示例多式联运一公司": ("2026-04", 18, 9), "示例多式联运二公司": ("2026-06", 7, 4)}
# The last months of the station's list: what it differs by from the return, in percent, beyond the railway's day.
LISTED_MONTHS = ("2026-07", "2026-08", "2026-09")
LISTED_OTHERWISE = {("M05", "2026-08"): 85, ("M02", "2026-09"): 0}
