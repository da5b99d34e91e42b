"""A small city, four units, two months: the files that staff would bring, and what follows by hand.

A is a large mine in the coal county, in the catalogue, with a spur; B a large mine elsewhere; C a small one; P a
new park that uses A's spur from February. Everything was received on 5 March 2025; today is 12 March.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from etl.ledger import registry, submissions
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of

from .command import DATA, Desk, Run

A, B, C, P = "91140902MA0TE5T164", "GROUP-1", "GROUP-2", "91140931MA0H56786R"
GROUP = "91140981MA0K12348U"
NAMES = {A: "演示一号煤业有限公司", B: "演示集团一矿", C: "演示集团二矿", P: "演示物流园"}
COAL, PLAIN = "140925", "140981"
KNOWN, RECEIVED, AMENDED = "2025-03-01", "2025-03-05", "2025-03-11"

REGISTRY = f"""
统一社会信用代码,填报单位编码,企业名称,县区代码,单位类型,大型,新建,省目录,核定年货运量吨,应报起
{A},,{NAMES[A]},{COAL},工矿企业,是,否,是,,2025-01
{GROUP},{B},{NAMES[B]},原平市,工矿企业,是,否,,,2025-01
{GROUP},{C},{NAMES[C]},{COAL},工矿企业,否,否,,,2025-01
{P},,{NAMES[P]},140931,物流园区,否,是,,12000,2025-01
"""
SPURS = f"""
专用线编号,专用线名称,性质,产权单位,接轨站,通道,能力万吨年,状态,开通日期,使用单位,使用关系,使用起,使用止
S1,一号线,专用线,{NAMES[A]},宁武西,朔黄,500,开通,2020-01-01,{A},自有,,
S1,一号线,专用线,{NAMES[A]},宁武西,朔黄,500,开通,2020-01-01,{P},共用,2025-02-01,
"""
OFFICIAL = """
月份,方式,对象类型,对象,货类,数值万吨,口径,状态,来源,发布日期,公开
2025-01,铁路,全市,忻州市,合计,1800.25,发送,月报确报,月报,2025-02-10,是
2025-02,铁路,全市,忻州市,合计,1700,发送,快报,快报,2025-03-03,是
2025-01,铁路,通道,朔黄铁路,合计,500,发送,月报确报,月报,2025-02-10,否
2025-02,铁路,通道,朔黄线,合计,600,发送,月报确报,月报,2025-03-03,否
"""
TARGETS = "年份,指标,对象类型,对象,目标值,单位,责任单位,依据\n2025,K1,通道,朔黄,6800,万吨,原平车务段,分解\n"
EVENTS = "日期,对象类型,对象,说明\n2025-01-29,全市,忻州市,春节\n"

HEADERS = ["月份", "统一社会信用代码", "填报单位编码", "企业名称", "货类", "方向", "运输方式", "起点", "终点",
           "对方单位", "通道", "运距公里", "运量吨", "短驳", "换装站", "备注"]  # fmt: skip


def row(unit: str, month: str, mode: str, tonnes: object, **changes: object) -> list[object]:
    """A row of coal sent over 560 km on 朔黄, changed where said."""
    cells: dict[str, object] = {
        "月份": month, "统一社会信用代码": GROUP if unit in (B, C) else unit,
        "填报单位编码": unit if unit in (B, C) else "", "企业名称": NAMES[unit], "货类": "煤炭", "方向": "发运",
        "运输方式": mode, "起点": "某地", "终点": "某港", "通道": "朔黄", "运距公里": "560", "运量吨": tonnes,
        "短驳": "否",
    }  # fmt: skip
    return [(cells | changes).get(header, "") for header in HEADERS]


def zero(unit: str, month: str) -> list[object]:
    """A month without traffic."""
    empty = dict.fromkeys(HEADERS[4:15], "")
    return row(unit, month, "", "", **empty, 备注="零申报")


# Of A: two months; the belt is 3.5 km, and 499.9 km is under 500.
ROWS_OF_A = [
    row(A, "2025-01", "铁路", "900"),
    row(A, "2025-01", "公路", "100"),
    row(A, "2025-02", "铁路", "700.000"),
    row(A, "2025-02", "公路", "100", 运距公里="500.0"),
    row(A, "2025-02", "公路", "50", 运距公里="499.9"),
    row(A, "2025-02", "皮带廊道", "40", 运距公里="3.5"),
]
# B receives 300 t that A sent, and sends coke by road; February is missing. C had no traffic.
ROWS_OF_B_AND_C = [
    row(B, "2025-01", "铁路", "300", 方向="到达", 对方单位=A, 通道="京原"),
    row(B, "2025-01", "公路", "200", 货类="焦炭", 通道="同蒲", 运距公里="700"),
    zero(C, "2025-01"),
    zero(C, "2025-02"),
]
# P: 30 t that belong to A; in February a number below nought.
ROWS_OF_P = [
    row(P, "2025-01", "公路", 30, 对方单位=NAMES[A], 通道="同蒲"),
    row(P, "2025-01", "铁路", 60, 货类="焦炭", 通道="同蒲", 运距公里="800"),
    row(P, "2025-02", "铁路", -5),
]
# What A mends on 11 March: 1100 t by rail in February, not 700.
AMENDMENT = [row(A, "2025-02", "铁路", "1100"), *ROWS_OF_A[3:]]


def csv_text(rows: list[list[object]]) -> str:
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows([HEADERS, *rows])
    return lines.getvalue()


def workbook(path: Path, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "月报"
    for cells in [HEADERS, *rows]:
        sheet.append(cells)
    book.save(path)


def declared_data(folder: Path) -> Path:
    """The project's declared data, with one coal county."""
    shutil.copytree(DATA, folder, ignore=shutil.ignore_patterns("sample", "geo"))
    with (folder / "reference" / "coal_areas.csv").open("a", encoding="utf-8") as file:
        file.write(f"{COAL},2025-01,,测试\n")
    return folder


def write_files(folder: Path) -> None:
    folder.mkdir()
    tables = {
        "registry": REGISTRY,
        "spurs": SPURS,
        "official": OFFICIAL,
        "targets": TARGETS,
        "events": EVENTS,
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text.lstrip("\n"), encoding="utf-8")
    # A's file has several months, that of B and C is GB18030 as Excel saves it, P's is a workbook.
    (folder / "a.csv").write_text(csv_text(ROWS_OF_A), encoding="utf-8")
    (folder / "bc.csv").write_bytes(csv_text(ROWS_OF_B_AND_C).encode("gb18030"))
    workbook(folder / "p.xlsx", ROWS_OF_P)
    (folder / "a-更正.csv").write_text(csv_text(AMENDMENT), encoding="utf-8")


def import_tables(desk: Desk, files: Path) -> dict[str, Run]:
    return {
        name: desk.run(name, "import", files / f"{name}.csv", "--received", KNOWN, "--json")
        for name in ("registry", "spurs", "official", "targets", "events")
    }


@dataclass
class Told:
    """The story once told: each call by its name, with the desk and the files it was told at."""

    desk: Desk
    files: Path
    runs: dict[str, Run] = field(default_factory=dict)

    def by(self, name: str) -> dict[tuple[str, str], dict[str, Any]]:
        """(indicator, object) → entry of a call of `indicators`."""
        return {(e["id"], e["object"]): e for e in self.runs[name].json["indicators"]}


def ledger(desk: Desk, what: Callable) -> list[dict[str, Any]]:
    """A table of the ledger as known today."""
    with reading(open_ledger(desk.home)) as connection:
        return what(connection, month_of("2025-03").replace(day=12)).to_pylist()


def state_of(desk: Desk) -> list[Any]:
    """What the ledger holds and what is published."""
    tables = [registry.registry_as_of, registry.spurs_as_of, submissions.accepted_as_of]
    files = [(f.name, f.stat().st_mtime_ns) for f in sorted((desk.home / "warehouse").iterdir())]
    return [*(ledger(desk, table) for table in tables), files, sorted((desk.home / "rows").iterdir())]
