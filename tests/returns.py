"""Monthly returns as tests write them: a good row, changed where the test needs it, checked."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from etl.intake.check import CheckResult, check_in_process
from etl.intake.fields import FIELD_BY_NAME, RETURN_FIELDS
from etl.reference import Declared, OdDistance, load_declared

TODAY = date(2026, 10, 12)
MINE, PARK, GROUP = "91140902MA0TE5T164", "91140931MA0H56786R", "91140981MA0K12348U"
MINE_NAME, PARK_NAME = "演示一号煤业有限公司", "演示物流园"
HEADERS = [field.header for field in RETURN_FIELDS]

GOOD = {
    "月份": "2025-03", "统一社会信用代码": MINE, "企业名称": MINE_NAME, "货类": "煤炭", "方向": "发运",
    "运输方式": "铁路", "起点": "原平", "终点": "天津", "通道": "同蒲", "运距公里": "650.5", "运量吨": "1200.5",
}  # fmt: skip
ZERO = {"月份": "2025-03", "统一社会信用代码": MINE, "企业名称": MINE_NAME, "备注": "零申报"}
DRAYAGE = {"运输方式": "公路", "运距公里": "50", "短驳": "是", "换装站": "原平"}


def good(**changes: str) -> dict[str, str]:
    """The good row with some cells changed; columns by our header."""
    return {**GOOD, **changes}


def text_of(*rows: dict[str, str], headers: list[str] | None = None) -> str:
    """A CSV of rows under all headers (or some)."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    headers = headers or HEADERS
    writer.writerow(headers)
    writer.writerows([row.get(header, "") for header in headers] for row in rows)
    return lines.getvalue()


def registry(**more: tuple[str, str, str]) -> pa.Table:
    """A mine, a park, and a code with two units. `more`: unit_code = (uscc, name, kind)."""
    units = {
        MINE: (MINE, MINE_NAME, "工矿企业"),
        PARK: (PARK, PARK_NAME, "物流园区"),
        "GROUP-1": (GROUP, "演示集团一矿", "工矿企业"),
        "GROUP-2": (GROUP, "演示集团二矿", "工矿企业"),
        **more,
    }
    columns = list(zip(*((code, *unit) for code, unit in units.items()), strict=True))
    return registry_table([dict(zip(("unit_code", "uscc", "name", "kind"), row, strict=True))
                           for row in zip(*columns, strict=True)])  # fmt: skip


def registry_table(units: list[dict]) -> pa.Table:
    """Rows with the columns that intake asks of `registry_as_of`."""
    return pa.table(
        {
            **{
                name: pa.array([unit[name] for unit in units], pa.string())
                for name in ("unit_code", "uscc", "name", "kind")
            },
            "valid_from": pa.array([unit.get("valid_from") for unit in units], pa.date32()),
        }
    )


def declared(unit_key: str = "uscc") -> Declared:
    """The project's declared data, with one 认定里程: 忻州—石家庄, 388.2 km."""
    real = load_declared(Path(__file__).parents[1] / "data")
    od = OdDistance("忻州", "石家庄", "同蒲", Decimal("388.2"), "测试")
    return replace(real, od_distances=(od,), plan=replace(real.plan, unit_key=unit_key))


def check(folder: Path, content: str | bytes, name: str = "月报.csv", **options) -> CheckResult:
    """The check of a file with this content. Options as for `check_in_process`."""
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return check_file(path, **options)


def check_file(path: Path, units: pa.Table | None = None, unit_key: str = "uscc", **options) -> CheckResult:
    """The check of a file on disk against the registry of these tests."""
    return check_in_process(
        path,
        declared(unit_key),
        units if units is not None else registry(),
        today=TODAY,
        **options,
    )


def codes(result: CheckResult) -> set[str]:
    """The codes of all findings."""
    return set(result.totals)


def header(name: str) -> str:
    """Our header of a field."""
    return FIELD_BY_NAME[name].header
