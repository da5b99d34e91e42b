"""The validated load of one big file against DuckDB's plain typed read of the same file into a database file."""

from __future__ import annotations

import csv
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

RUNS = 3
HEADER = (
    "月份", "统一社会信用代码", "填报单位编码", "企业名称", "货类", "方向", "运输方式", "起点", "终点",
    "对方单位", "通道", "运距公里", "运量吨", "短驳", "装载", "备注",
)  # fmt: skip
REGISTRY = ("统一社会信用代码", "填报单位编码", "企业名称", "县区代码", "单位类型", "大型", "应报起")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
UNITS = 2000
TYPED = """
create table plain as
select * from read_csv($file, header = true, columns = {
    '月份': 'varchar', '统一社会信用代码': 'varchar', '填报单位编码': 'varchar', '企业名称': 'varchar',
    '货类': 'varchar', '方向': 'varchar', '运输方式': 'varchar', '起点': 'varchar', '终点': 'varchar',
    '对方单位': 'varchar', '通道': 'varchar', '运距公里': 'decimal(18, 9)', '运量吨': 'decimal(18, 3)',
    '短驳': 'varchar', '装载': 'varchar', '备注': 'varchar'
})
"""


def measure(rows: int) -> Iterator[str]:
    """One line: seconds of both and the ratio of their medians, alternating in one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        units = [code(number) for number in range(UNITS)]
        registry, returns = folder / "registry.csv", folder / "returns.csv"
        _write_registry(registry, units)
        _write_returns(returns, units, rows)
        ours, plain = [], []
        for run in range(RUNS):
            home = folder / f"home{run}"
            _railshift(home, "init")
            _railshift(home, "registry", "import", str(registry), "--received", "2022-01-01")
            ours.append(_timed(lambda home=home: _railshift(home, "load", str(returns))))
            plain.append(_timed(lambda run=run: _plain(folder / f"plain{run}.duckdb", returns)))
        built = _timed(lambda: _railshift(folder / "home0", "build"))
        size = returns.stat().st_size / 2**20
    ratio = statistics.median(ours) / statistics.median(plain)
    yield f"load of {rows} rows ({size:.0f} MB): {times(ours)} s"
    yield f"plain typed read of the same file: {times(plain)} s; ours is {ratio:.2f} times that"
    yield f"build of the same rows: {built:.2f} s"


def _plain(target: Path, returns: Path) -> None:
    with duckdb.connect(str(target)) as connection:
        connection.execute(TYPED, {"file": str(returns)})
        connection.execute("checkpoint")


def _railshift(home: Path, *words: str) -> None:
    environment = dict(os.environ) | {"RAILSHIFT_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-m", "etl.cli", *words], check=True, env=environment, stdout=subprocess.DEVNULL
    )


def _timed(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def times(seconds: list[float]) -> str:
    return "/".join(f"{one:.2f}" for one in seconds)


def code(number: int) -> str:
    """A synthetic code with a valid check character (GB 32100)."""
    body = f"91140900MABEN{number:04d}"
    total = sum(ALPHABET.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def _write_registry(path: Path, units: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(REGISTRY)
        for number, unit in enumerate(units):
            writer.writerow((unit, "", f"示例单位{number}", "140925", "工矿企业", "是", "2022-01"))


def _write_returns(path: Path, units: list[str], rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(HEADER)
        writer.writerows(flows(units, rows))


def flows(units: list[str], rows: int) -> Iterator[tuple[str | float, ...]]:
    """Flows of the units over 48 months: the shape of a bureau's history, not its numbers."""
    draw = random.Random(7)
    goods, modes = ("煤炭", "焦炭", "金属矿石", "水泥"), ("铁路", "公路", "公路（新能源）")
    places = (("宁武西", "黄骅港", "朔黄"), ("原平", "唐山", "京原"), ("忻州", "郑州", "同蒲"))
    months = [f"{year}-{month:02d}" for year in range(2022, 2026) for month in range(1, 13)]
    for number in range(rows):
        unit = number % len(units)
        month = months[number // len(units) % len(months)]
        origin, destination, corridor = places[draw.randrange(3)]
        kilometres, tonnes = draw.randint(4000, 9000) / 10, draw.randint(1000, 90_000_000) / 1000
        yield (
            month, units[unit], "", f"示例单位{unit}", goods[draw.randrange(4)], "发运",
            modes[draw.randrange(3)], origin, destination, "", corridor, kilometres, tonnes, "否", "散装", "",
        )  # fmt: skip
