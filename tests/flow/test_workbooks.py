"""The workbooks that go out to a clerk and come back: the template, and the own workbook with its findings."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from . import story
from .command import Desk
from .story import RECEIVED, A

JANUARY = story.ROWS_OF_A[:2]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The city with A's January accepted."""
    base = tmp_path_factory.mktemp("workbooks")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    file = base / "files" / "january.csv"
    file.write_text(story.csv_text(JANUARY), encoding="utf-8")
    assert desk.run("load", file, "--received", RECEIVED).code == 0
    return desk


def test_last_months_flows_need_only_their_tonnes(desk: Desk, tmp_path: Path):
    """Template for February: both flows of January stand there; tonnes typed, it checks clean."""
    out = tmp_path / "二月.xlsx"
    assert desk.run("template", "--uscc", A, "--month", "2025-02", "--out", out).code == 0
    book = openpyxl.load_workbook(out)
    sheet = book["月报"]
    header = next(row for row in sheet.iter_rows() if "运量吨" in [cell.value for cell in row])
    column = next(cell.column for cell in header if cell.value == "运量吨")
    for row in (header[0].row + 1, header[0].row + 2):
        assert sheet.cell(row, column).value is None
        sheet.cell(row, column).value = 450
    book.save(out)
    said = desk.run("check", out, "--month", "2025-02", "--json").json
    assert (said["accepted"], said["rows"], said["tonnes"], said["months"]) == (
        True,
        2,
        "900.000",
        ["2025-02"],
    )
    assert not [found for found in said["findings"] if found["severity"] == "强制"]


def test_a_template_of_nobody_is_refused(desk: Desk, tmp_path: Path):
    out = tmp_path / "x.xlsx"
    refused = desk.run("template", "--uscc", "91140900MA00002800", "--month", "2025-02", "--out", out)
    assert refused.code == 1
    assert "名录中没有代码" in refused.err
    assert not out.exists()
    assert desk.run("template", "--month", "2025-02", "--out", out).code == 2


def test_the_own_workbook_comes_back_and_is_ignored_where_it_is_ours(desk: Desk, tmp_path: Path):
    """A wrong number stays a finding, the full-width one is mended; our columns bring nothing new."""
    rows = [list(row) for row in JANUARY]
    tonnes = story.HEADERS.index("运量吨")
    rows[0][tonnes], rows[1][tonnes] = "约九百", "１００"
    file, report = tmp_path / "一月.csv", tmp_path / "一月-校验.xlsx"
    file.write_text(story.csv_text(rows), encoding="utf-8")
    assert desk.run("check", file, "--report", report, "--mend").code == 1
    sheet = openpyxl.load_workbook(report).worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert "问题" in cells[0]
    assert "怎样改" in cells[0]
    assert str(cells[2][tonnes]) == "100"
    first = desk.run("check", file, "--json").json["totals"]
    again = desk.run("check", report, "--json").json["totals"]
    mended = {code for code in first if code not in again}
    assert mended == {"V021"}
    assert set(again) <= set(first)
