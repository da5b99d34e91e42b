"""What a preview promises is what is published afterwards, and what it starts from is what is published now."""

from __future__ import annotations

import csv
from decimal import Decimal as D
from fractions import Fraction as F
from pathlib import Path

import pytest

from etl import pipeline
from etl.ledger.schema import open_ledger
from etl.periods import month_of
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.warehouse.preview import Kind, Preview

from .command import DATA, Desk
from .demonstration import demonstration

SAMPLE = DATA / "sample"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return demonstration()


def returned(unit: str, month: str, folder: Path) -> Path:
    """One unit's return of the sample, as a file of its own."""
    source = SAMPLE / "returns" / f"{month}.csv"
    with source.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(line for line in lines if not line.startswith("#"))
    target = folder / f"{unit}.csv"
    with target.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([header, *(row for row in rows if unit in row[1:3])])
    return target


def place(desk: Desk) -> Workplace:
    return Workplace(desk.home, open_ledger(desk.home), load_declared(DATA, SAMPLE))


@pytest.mark.parametrize("month", ["2026-09", "2025-12", "2024-03"])
def test_a_preview_of_what_is_accepted_changes_nothing(desk: Desk, tmp_path: Path, month: str):
    """For each of several units: the same rows, and the figures that are published, on both sides."""
    year, through = month.split("-")
    printed = desk.run(
        "indicators", "--year", year, "--through", int(through), "--by", "enterprise", "--json"
    ).json["indicators"]
    published = {(entry["id"], entry["object"]): entry for entry in printed}
    units = sorted({object_ for _, object_ in published})[::9]
    seen = 0
    for unit in units:
        file = returned(unit, month, tmp_path)
        found = pipeline.preview(place(desk), file, unit, month_of(month))
        if found is None:
            continue
        seen += 1
        assert (found.rows, found.previous) == ((), 1)
        for side in (found.before, found.after):
            for id_, judged in side.items():
                entry = published[id_, unit]
                assert (str(judged.verdict), judged.reports_received) == (
                    entry["verdict"],
                    entry["reports_received"],
                )
                assert judged.value is None or abs(judged.value - F(entry["value"])) < F(1, 10**12)
    assert seen >= 3


def test_a_unit_or_a_month_that_the_file_has_not_has_no_preview(desk: Desk, tmp_path: Path):
    file = returned("91140900MADEM0011P", "2026-09", tmp_path)
    assert pipeline.preview(place(desk), file, "91140900MADEM0011P", month_of("2026-08")) is None
    assert pipeline.preview(place(desk), file, "91140900MADEM002XF", month_of("2026-09")) is None


def test_no_traffic_removes_every_row(desk: Desk, tmp_path: Path):
    unit = "91140900MADEM0011P"
    file = returned(unit, "2026-09", tmp_path)
    with file.open(encoding="utf-8", newline="") as lines:
        header, first, *rest = csv.reader(lines)
    empty = [
        first[place]
        if name in ("月份", "统一社会信用代码", "企业名称")
        else "零申报"
        if name == "备注"
        else ""
        for place, name in enumerate(header)
    ]
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows([header, empty])
    found = pipeline.preview(place(desk), file, unit, month_of("2026-09"))
    assert isinstance(found, Preview)
    assert (found.count(Kind.REMOVED), len(found.rows)) == (len(rest) + 1, len(rest) + 1)
    assert found.after["K2"].denominator < found.before["K2"].denominator


def test_the_month_stands_beside_the_months_that_were_accepted(desk: Desk, tmp_path: Path):
    """环比 and 同比 of what the unit itself reported, recounted from its files."""
    unit = "91140900MADEM0011P"
    told = {month: moved(returned(unit, month, tmp_path)) for month in ("2026-09", "2026-08", "2025-09")}
    found = pipeline.preview(place(desk), returned(unit, "2026-09", tmp_path), unit, month_of("2026-09"))
    assert isinstance(found, Preview)
    assert (found.tonnes, found.month_before, found.year_before) == tuple(told.values())
    assert found.sentences()[0] == found.trend()
    first = pipeline.preview(place(desk), returned(unit, "2022-01", tmp_path), unit, month_of("2022-01"))
    assert isinstance(first, Preview)
    assert (first.month_before, first.year_before) == (None, None)
    assert first.trend().endswith("吨，上月没有已通过的月报，上年同月没有已通过的月报")


def moved(file: Path) -> D:
    with file.open(encoding="utf-8", newline="") as lines:
        return sum((D(row["运量吨"] or "0") for row in csv.DictReader(lines)), D(0))


@pytest.mark.parametrize(
    "tonnes, before, year_before, said",
    [
        ("1200.500", "1000", "1500", "本月运量1200.5吨，比上月增长20.1%，比上年同月下降20.0%"),
        ("1000", "1000.000", "0", "本月运量1000吨，与上月持平，上年同月运量为0"),
        ("0", "10", None, "本月运量0吨，比上月下降100.0%，上年同月没有已通过的月报"),
    ],
)
def test_the_trend_in_words(tonnes: str, before: str, year_before: str | None, said: str):
    past = None if year_before is None else D(year_before)
    preview = Preview("U", month_of("2026-09"), None, (), {}, {}, D(tonnes), D(before), past)
    assert preview.trend() == said
