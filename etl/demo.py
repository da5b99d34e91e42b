"""The demonstration: the labelled sample set, loaded by the same chapters as real data.

It lives in a run-time folder of its own; a marker in that folder names the overlay, so that no real
folder ever mixes with it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

from etl import filing, mirror, pipeline
from etl.intake.check import UnitMonth
from etl.ledger import tables
from etl.ledger.schema import open_ledger
from etl.pipeline import Received, Workplace
from etl.reference import DeclaredDataError, data_folder, load_declared
from etl.roles import Actor, Role
from etl.warehouse.scope import EVERYTHING

MARKER = "DEMONSTRATION"
SAMPLE = "sample"
# The sample's registry and series are known from before its first month on.
KNOWN_FROM = date(2020, 1, 1)
AMENDMENT = "-更正"


def overlay_of(home: Path) -> Path | None:
    """The overlay of a run-time folder: the sample, where the folder is marked as a demonstration."""
    return data_folder() / SAMPLE if (home / MARKER).is_file() else None


def make(home: Path, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Load the sample set into `home` and publish it.

    Errors: DeclaredDataError where the folder holds real data or the sample does not load whole.
    """
    if home.exists() and any(home.iterdir()) and not (home / MARKER).is_file():
        raise DeclaredDataError(f"{home} 不是演示目录，为免混入正式数据，请换一个 RAILSHIFT_HOME。")
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).write_text("演示数据\n", encoding="utf-8")
    folder = data_folder() / SAMPLE
    work = Workplace(home, open_ledger(home), load_declared(data_folder(), folder))
    for name in tables.TABLES:
        done = pipeline.import_table(work, name, folder / f"{name}.csv", recorded_on=KNOWN_FROM)
        if not done.accepted:
            raise DeclaredDataError(f"演示数据 {name}.csv 未通过校验：{done.findings[0].message}")
    regular = sorted(file for file in (folder / "returns").glob("*.csv") if AMENDMENT not in file.stem)
    amended = sorted(file for file in (folder / "returns").glob("*.csv") if AMENDMENT in file.stem)
    receipts = _receipts(folder / "receipts.csv")
    for version, files, reason in ((1, regular, "批量导入"), (2, amended, "演示更正：漏填一批列车")):
        received = _received(receipts, version)
        for loaded in pipeline.load(work, files, received=received, reason=reason, progress=progress):
            if loaded.check.refused or not loaded.check.accepted:
                raise DeclaredDataError(
                    f"演示数据 {loaded.check.file_name} 未通过校验：{loaded.check.refused}"
                )
    published = pipeline.publish_build(work, progress=progress)
    mirror.refresh(work)
    _explain(work, folder / "mirror_notes.csv")
    return published


def _explain(work: Workplace, path: Path) -> None:
    """What both sides have said to differences between a return and the station's list."""
    found, names = mirror.differences(work, EVERYTHING), filing.names(work)
    for row in _table(path):
        unit, role = row["单位"], Role(row["身份"])
        actor = (
            Actor(names[unit], role, units=frozenset({unit}))
            if role is Role.ENTERPRISE
            else Actor("原平车务段", role)
        )
        for one in found:
            if (one.party, f"{one.month:%Y-%m}") == (unit, row["月份"]):
                mirror.explain(work, one.mirror_id, row["说明"], actor)


def _receipts(path: Path) -> dict[tuple[str, str, int], date]:
    return {
        (row["填报单位编码"], row["月份"], int(row["版本"])): date.fromisoformat(row["收到日期"])
        for row in _table(path)
    }


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _received(receipts: dict[tuple[str, str, int], date], version: int) -> Received:
    def received(unit_month: UnitMonth) -> date:
        return receipts[unit_month.unit_code, f"{unit_month.month:%Y-%m}", version]

    return received
