"""The whole check of one workbook against calamine's plain read of it and DuckDB's typed read of its rows."""

from __future__ import annotations

import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import xlsxwriter
from python_calamine import CalamineWorkbook

from bench.load import HEADER, TYPED, code, flows, times
from etl.intake.check import check_in_process
from etl.reference import data_folder, load_declared

RUNS = 3
UNITS = 200
TODAY = date(2026, 10, 12)
Measured = tuple[float, float]


def measure(rows: int) -> Iterator[str]:
    """Seconds and memory of the check, of both yardsticks, and the ratios of the medians.

    Each run is a process of its own; memory is its peak beyond what it has after its imports.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book, table = folder / "returns.xlsx", folder / "returns.csv"
        units = [code(number) for number in range(UNITS)]
        _write(book, table, units, rows)
        runs: dict[str, list[Measured]] = {action: [] for action in ACTIONS}
        for _ in range(RUNS):
            for action, (_, file) in ACTIONS.items():
                runs[action].append(_in_process(action, folder / file))
        size, table_size = book.stat().st_size / 2**20, table.stat().st_size / 2**20
    yield f"check of a workbook of {rows} rows ({size:.1f} MB; {table_size:.1f} MB as CSV)"
    ours = runs["check"]
    for action, measured in runs.items():
        line = f"  {action}: {times([seconds for seconds, _ in measured])} s, {_median(measured, 1):.0f} MB"
        if measured is not ours:
            line += f"; the check of the workbook is {_median(ours, 0) / _median(measured, 0):.1f} times that"
            line += f", in memory {_median(ours, 1) / max(_median(measured, 1), 1):.1f} times"
        yield line
    yield f"  memory of the check ÷ its file: {_median(ours, 1) / size:.1f} (workbook), " \
          f"{_median(runs['check of the CSV'], 1) / table_size:.1f} (CSV)"  # fmt: skip


def _median(measured: list[Measured], which: int) -> float:
    return statistics.median(one[which] for one in measured)


def _write(book: Path, table: Path, units: list[str], rows: int) -> None:
    with (
        xlsxwriter.Workbook(str(book)) as workbook,
        table.open("w", encoding="utf-8", newline="") as lines,
    ):
        sheet = workbook.add_worksheet("月报")
        writer = csv.writer(lines)
        for number, row in enumerate((HEADER, *flows(units, rows))):
            sheet.write_row(number, 0, row)
            writer.writerow(row)


# ---------------------------------------------------------------------------------- in a process of its own


def _check(path: Path) -> None:
    units = [code(number) for number in range(UNITS)]
    registry = pa.table({
        "unit_code": units, "uscc": units, "name": [f"示例单位{number}" for number in range(UNITS)],
        "kind": ["工矿企业"] * UNITS, "valid_from": pa.array([None] * UNITS, pa.date32()),
    })  # fmt: skip
    result = check_in_process(path, load_declared(data_folder()), registry, today=TODAY)
    assert result.accepted, result.totals


def _calamine(path: Path) -> None:
    with CalamineWorkbook.from_path(path) as workbook:
        workbook.get_sheet_by_index(0).to_python()


def _typed(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(TYPED, {"file": str(path)})


ACTIONS: dict[str, tuple[Callable[[Path], None], str]] = {
    "check": (_check, "returns.xlsx"),
    "check of the CSV": (_check, "returns.csv"),
    "calamine": (_calamine, "returns.xlsx"),
    "DuckDB, typed": (_typed, "returns.csv"),
}


def _in_process(action: str, path: Path) -> Measured:
    command = [sys.executable, "-m", "bench.workbook", action, str(path)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    seconds, megabytes = json.loads(told.stdout)
    return seconds, megabytes


def main() -> None:
    action, _ = ACTIONS[sys.argv[1]]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    before, start = pages * resource.getpagesize() / 2**20, time.perf_counter()
    action(Path(sys.argv[2]))
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10 - before]))


if __name__ == "__main__":
    main()
