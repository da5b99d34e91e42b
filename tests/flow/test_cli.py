"""The command line from an empty folder to figures: two months of four units, every number by hand.

K2 of A, and of the city: rail 900 + 700 of 900 + 100 + 700 + 100 = 1800 (499.9 km is out): 8/9, 20 t short of 90 %.
K3: A 1600 of 1850; P has access in February and lacks it, and had 60 t of its own in January (30 more are A's):
1600/1910 … 1660/1910, both above 80 %. K5: 1660 of 2060, 330 t counted by others, 260 t could be missing.
K1: 3500.25 of 21584 · 2/12 = 3597.333…
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal as D
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

from etl.ledger import registry, submissions
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of
from etl.warehouse import build as building

from . import story
from .command import DATA, Desk, Run
from .story import AMENDED, COAL, PLAIN, RECEIVED, A, B, C, P

FINDING = ["code", "severity", "sheet", "row", "column", "value", "message", "remedy"]


@dataclass
class Told:
    """The story once told: each call by its name, with the desk and the files it was told at."""

    desk: Desk
    files: Path
    runs: dict[str, Run] = field(default_factory=dict)

    def by(self, name: str) -> dict[tuple[str, str], dict[str, Any]]:
        """(indicator, object) → entry of a call of `indicators`."""
        return {(e["id"], e["object"]): e for e in self.runs[name].json["indicators"]}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    base = tmp_path_factory.mktemp("story")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    files = base / "files"
    story.write_files(files)
    told = Told(desk, files)
    run = told.runs
    run["init"] = desk.run("init")
    run |= story.import_tables(desk, files)
    run["load"] = desk.run(
        "load", files / "a.csv", files / "bc.csv", files / "p.xlsx", "--received", RECEIVED, "--json"
    )
    run["build"] = desk.run("build", "--json")
    for by in ("city", "county", "corridor", "enterprise"):
        run[by] = desk.run("indicators", "--year", 2025, "--by", by, "--json")
    run["january"] = desk.run("indicators", "--year", 2025, "--through", 1, "--json")
    run["lines"] = desk.run("indicators", "--year", 2025)
    for name, options in ROWS.items():
        run[name] = desk.run("rows", *options, "--year", 2025, "--csv", files / f"{name}.out.csv", "--json")
    run["again"] = desk.run("load", files / "a.csv", files / "bc.csv", "--received", AMENDED, "--json")
    run["amend"] = desk.run(
        "load", files / "a-更正.csv", "--received", AMENDED, "--reason", "漏报一列车", "--json"
    )
    run["not yet"] = desk.run("indicators", "--year", 2025, "--as-of", "2025-03-10", "--json")
    for day in ("2025-03-10", AMENDED):
        run[f"build {day}"] = desk.run("build", "--as-of", day, "--json")
        run[day] = desk.run("indicators", "--year", 2025, "--as-of", day, "--json")
    run["still"] = desk.run("indicators", "--year", 2025, "--json")
    run["build 2"] = desk.run("build")
    run["now"] = desk.run("indicators", "--year", 2025, "--json")
    return told


ROWS: dict[str, tuple[str, ...]] = {
    "K2 city": ("--indicator", "K2"),
    "K3 city": ("--indicator", "K3"),
    "K5 city": ("--indicator", "K5"),
    "K5 of B": ("--indicator", "K5", "--enterprise", B),
    "K5 朔黄": ("--indicator", "K5", "--corridor", "朔黄"),
    "K1 city": ("--indicator", "K1"),
}


def number(text: str | None) -> F | None:
    return None if text is None else F(text)


def test_each_step_was_done(told: Told):
    refused = {"load": 1, "not yet": 1}
    assert {name: run.code for name, run in told.runs.items()} == {
        name: refused.get(name, 0) for name in told.runs
    }
    assert "Traceback" not in "".join(run.err for run in told.runs.values())
    assert {name: told.runs[name].json["rows"] for name in ("registry", "spurs", "official", "targets", "events")} == {
        "registry": 4, "spurs": 2, "official": 4, "targets": 1, "events": 1,
    }  # fmt: skip
    assert told.runs["build"].json == {"snapshot": "v1"}


def test_a_unit_month_that_must_not_be_is_refused_and_the_others_are_kept(told: Told):
    loaded = told.runs["load"].json
    assert loaded["refused"] == [{"unit_code": P, "month": "2025-02"}]
    assert (loaded["accepted"], loaded["amended"], loaded["unchanged"]) == (6, 0, 0)
    accepted = {(row["unit_code"], row["month"]) for row in ledger(told.desk, submissions.accepted_as_of)}
    january, february = month_of("2025-01"), month_of("2025-02")
    assert accepted == {(unit, january) for unit in (A, B, C, P)} | {(A, february), (C, february)}
    (a, bc, p) = loaded["files"]
    assert [one["file"] for one in (a, bc, p)] == ["a.csv", "bc.csv", "p.xlsx"]
    assert (a["accepted"], a["rows"], a["tonnes"], a["months"]) == (
        True,
        6,
        "1890.000",
        ["2025-01", "2025-02"],
    )
    # GB18030 was understood, and is said.
    assert (bc["accepted"], bc["totals"]["S010"]) == (True, 1)
    assert p["accepted"] is False
    (found,) = [one for one in p["findings"] if one["severity"] == "强制"]
    assert (found["sheet"], found["row"], found["column"], found["value"]) == ("月报", 4, "运量吨", "-5")


@pytest.mark.parametrize(
    ("name", "indicator", "object_", "value", "unit", "gap", "verdict", "interval", "reports"),
    [
        ("city", "K1", "全市", F("3500.25"), "万吨", F("18083.75"), "落后", (F("3500.25"),) * 2, (8, 6)),
        ("city", "K2", "全市", F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("city", "K3", "全市", F(1600, 1850), "比例", F(0), "在进度上", (F(1600, 1910), F(1660, 1910)), (3, 2)),
        ("city", "K4", "全市", F(1), "比例", F(0), "在进度上", (F(1), F(1)), (0, 0)),
        ("city", "K5", "全市", F(1660, 2060), "比例", None, "无目标", (F(1660, 2320), F(1920, 2320)), (8, 6)),
        ("january", "K2", "全市", F(9, 10), "比例", F(0), "在进度上", (F(9, 10),) * 2, (1, 1)),
        ("january", "K1", "全市", F("1800.25"), "万吨", F("19783.75"), "在进度上", (F("1800.25"),) * 2, (4, 4)),
        ("county", "K2", COAL, F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("county", "K2", PLAIN, None, "比例", None, "无适用运量", None, (0, 0)),
        # B's 200 t by road, and 200 more that February may have had.
        ("county", "K5", PLAIN, F(0), "比例", None, "无目标", (F(0), F(200, 400)), (2, 1)),
        ("county", "K4", COAL, F(1), "比例", F(0), "在进度上", (F(1), F(1)), (0, 0)),
        ("county", "K4", PLAIN, None, "比例", None, "无适用运量", None, (0, 0)),
        ("corridor", "K1", "朔黄", F(1100), "万吨", F(5700), "落后", (F(1100),) * 2, (2, 2)),
        ("corridor", "K2", "朔黄", F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        # Everything that came over 京原 is counted by A, who sent it.
        ("corridor", "K5", "京原", None, "比例", None, "无目标", (F(0), F(1)), (2, 1)),
        ("enterprise", "K2", A, F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("enterprise", "K3", A, F(1600, 1850), "比例", F(0), "在进度上", (F(1600, 1850),) * 2, (2, 2)),
        ("enterprise", "K3", P, None, "比例", None, "数据不足以判定", (F(0), F(1)), (1, 0)),
        # A unit's own figures count all its rows, and so does what it may be missing.
        ("enterprise", "K5", B, F(300, 500), "比例", None, "无目标", (F(300, 1000), F(800, 1000)), (2, 1)),
        ("enterprise", "K5", C, None, "比例", None, "无目标", None, (2, 2)),
        ("enterprise", "K4", A, F(0), "吨", None, "在进度上", (F(0), F(0)), (0, 0)),
        ("enterprise", "K4", B, F(0), "吨", None, "无义务", (F(0), F(0)), (0, 0)),
    ],
)  # fmt: skip
def test_indicators(
    told: Told, name: str, indicator: str, object_: str, value: F | None, unit: str, gap: F | None, verdict: str,
    interval: tuple[F, F] | None, reports: tuple[int, int],
):  # fmt: skip
    entry = told.by(name)[indicator, object_]
    assert close(entry["value"], value)
    assert (entry["unit"], number(entry["gap"]), entry["verdict"]) == (unit, gap, verdict)
    assert (entry["reports_expected"], entry["reports_received"]) == reports
    if interval is None:
        assert entry["interval"] is None
    else:
        assert all(close(text, end) for text, end in zip(entry["interval"], interval, strict=True))


def close(text: str | None, expected: F | None) -> bool:
    """The printed number is the exact one to at least twelve digits."""
    if text is None or expected is None:
        return text is None and expected is None
    return abs(F(text) - expected) <= abs(expected) / 10**20


def test_more_of_the_numbers(told: Told):
    city, units = told.by("city"), told.by("enterprise")
    assert (city["K2", "全市"]["numerator"], city["K2", "全市"]["denominator"]) == ("1600", "1800")
    assert (city["K2", "全市"]["gap_added"], city["K2", "全市"]["shiftable"]) == ("200", "20")
    assert (city["K2", "全市"]["light"], city["K1", "全市"]["light"]) == ("黄", "黄")
    assert close(city["K1", "全市"]["gap_pace"], F(21584, 6) - F("3500.25"))
    assert (city["K1", "全市"]["caliber"], city["K5", "全市"]["left_out"]) == ("发送", "330")
    assert told.by("corridor")["K5", "京原"]["left_out"] == "300"
    assert (units["K4", A]["obliged"], units["K4", A]["spur"]) == (True, "自有")
    assert [units["K4", u]["spur"] for u in (B, C, P)] == ["未建", "未建", "共用"]
    assert [units["K4", u]["obliged"] for u in (B, C, P)] == [False, False, False]
    assert told.runs["city"].json["snapshot"] == "v1"


def test_every_object_is_there(told: Told):
    counts = {by: {e["object"] for e in told.runs[by].json["indicators"]} for by in ("county", "corridor")}
    assert (len(counts["county"]), len(counts["corridor"])) == (16, 12)
    assert {e["object"] for e in told.runs["enterprise"].json["indicators"]} == {A, B, C, P}
    assert [e["id"] for e in told.runs["city"].json["indicators"]] == [
        "K1", "K2", "K2_ALL", "K3", "K3_BELT", "K3_ALL", "K4", "K5", "K6", "C1", "C2", "C3", "C4",
    ]  # fmt: skip


def test_indicators_as_sentences(told: Told):
    lines = told.runs["lines"].out.splitlines()
    assert "2025年1—2月 全市 全市铁路货运量：3500万吨，目标21584万吨，低于序时进度" in lines
    assert "2025年1—2月 全市 中长距离煤焦铁路占比：88.9%，目标90.0%，当前低于目标值" in lines


# ------------------------------------------------------------------------------------ identical, amended


def test_identical_content_is_no_new_version(told: Told):
    again = told.runs["again"].json
    assert (again["accepted"], again["amended"], again["unchanged"], again["refused"]) == (0, 0, 5, [])


def test_an_amended_month_is_a_new_version_with_its_reason(told: Told):
    amended = told.runs["amend"].json
    assert (amended["accepted"], amended["amended"], amended["unchanged"]) == (0, 1, 0)
    newest = {(row["unit_code"], row["month"]): row for row in ledger(told.desk, submissions.accepted_as_of)}
    assert newest[A, month_of("2025-02")]["version"] == 2
    assert newest[A, month_of("2025-02")]["accepted_on"].isoformat() == AMENDED
    assert newest[A, month_of("2025-02")]["first_received_on"].isoformat() == RECEIVED
    assert newest[A, month_of("2025-01")]["version"] == 1
    state = {(r["unit_code"], r["month"]): r for r in ledger(told.desk, submissions.submissions_as_of)}
    assert state[A, month_of("2025-02")]["reason"] == "漏报一列车"


def test_what_was_known_on_a_day_stays_as_it_was(told: Told):
    """Before the 11th 1600/1800; from then on (1600 + 400)/(1800 + 400) = 10/11, which is over 90 %."""
    values = {name: told.by(name)["K2", "全市"] for name in ("2025-03-10", AMENDED, "still", "now")}
    assert {name: entry["verdict"] for name, entry in values.items()} == {
        "2025-03-10": "落后", AMENDED: "在进度上", "still": "落后", "now": "在进度上",
    }  # fmt: skip
    assert close(values["2025-03-10"]["value"], F(8, 9))
    assert close(values[AMENDED]["value"], F(10, 11))
    assert values["now"]["value"] == values[AMENDED]["value"]
    # A look back is a file of its own and moves no pointer.
    assert told.runs["still"].json["snapshot"] == "v1"
    assert told.runs["2025-03-10"].json["snapshot"] == "asof-2025-03-10"
    assert told.runs["now"].json["snapshot"] == "v2"


def test_a_day_that_was_not_built_is_said(told: Told):
    run = told.runs["not yet"]
    assert (run.code, run.json["accepted"]) == (1, False)
    assert "railshift build --as-of 2025-03-10" in run.json["findings"][0]["message"]


# -------------------------------------------------------------------------------- the rows behind a number


def rows_of(told: Told, name: str) -> list[dict[str, str]]:
    text = (told.files / f"{name}.out.csv").read_bytes()
    assert text.startswith("\ufeff月份,".encode())
    return list(csv.DictReader(text.decode("utf-8-sig").splitlines()))


@pytest.mark.parametrize(
    ("name", "by", "indicator", "object_"),
    [
        ("K2 city", "city", "K2", "全市"),
        ("K3 city", "city", "K3", "全市"),
        ("K5 city", "city", "K5", "全市"),
        ("K5 of B", "enterprise", "K5", B),
        ("K5 朔黄", "corridor", "K5", "朔黄"),
    ],
)
def test_the_rows_add_up_to_their_number(told: Told, name: str, by: str, indicator: str, object_: str):
    rows, entry = rows_of(told, name), told.by(by)[indicator, object_]
    assert len(rows) == told.runs[name].json["rows"]
    summed = {
        kind: sum((D(row["运量吨"]) for row in rows if row["计入情况"] == kind), D(0))
        for kind in ("计入分子和分母", "计入分母", "未计入：对流扣除")
    }
    assert summed["计入分子和分母"] == D(entry["numerator"])
    assert summed["计入分子和分母"] + summed["计入分母"] == D(entry["denominator"])
    assert summed["未计入：对流扣除"] == (D(entry["left_out"]) if by != "enterprise" else 0)


def test_each_row_says_where_it_came_from_and_why_it_does_not_count(told: Told):
    rows = rows_of(told, "K5 city")
    (received,) = [row for row in rows if row["对方单位"] == A]
    assert received["计入情况"] == "未计入：对流扣除"
    assert (received["文件"], received["行号"], received["版本"]) == ("bc.csv", "2", "1")
    assert (received["收到日期"], received["工作表"]) == (RECEIVED, "")
    (coke,) = [row for row in rows if row["运距公里"] == "800"]
    assert (coke["文件"], coke["工作表"], coke["行号"]) == ("p.xlsx", "月报", "3")
    assert {row["计入情况"] for row in rows_of(told, "K3 city") if row["填报单位编码"] == P} == {
        "未计入：当月未接入专用线"
    }
    assert all(row["运距公里"] != "499.9" for row in rows_of(told, "K2 city"))


def test_the_values_behind_k1(told: Told):
    used = {(r["月份"], r["数值万吨"]) for r in rows_of(told, "K1 city") if r["采用"] and r["对象"] == "全市"}
    assert used == {("2025-01", "1800.25"), ("2025-02", "1700")}


# ------------------------------------------------------------------------------------------------ check


@pytest.mark.parametrize(
    ("content", "code", "accepted", "rows", "tonnes", "months", "severest", "place"),
    [
        (story.csv_text([story.row(A, "2025-02", "铁路", "12.5")]), 0, True, 1, D("12.5"), ["2025-02"], None, None),
        (
            story.csv_text([story.row(A, "2025-02", "铁路", "12.5"), story.row(A, "2025-02", "铁路", "1e3")]),
            1, False, 2, D("12.5"), ["2025-02"], "强制", (3, "运量吨", "1e3"),
        ),
        # No data row among the lines: nothing to count.
        (story.csv_text([]), 1, False, 0, D(0), [], "强制", None),
        (b"PK\x03\x04 no workbook", 1, False, 0, D(0), [], "强制", (None, None)),
        (b"", 1, False, 0, D(0), [], "强制", (None, None)),
    ],
)  # fmt: skip
def test_check_as_json(
    told: Told, tmp_path: Path, content: str | bytes, code: int, accepted: bool, rows: int, tonnes: D,
    months: list[str], severest: str | None, place: tuple | None,
):  # fmt: skip
    """One object and nothing else on stdout, also for a file that cannot be read."""
    file = tmp_path / "月报.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    run = told.desk.run("check", file, "--json")
    found = run.json
    assert run.code == code
    assert list(found) == ["accepted", "rows", "tonnes", "months", "findings", "totals", "capped"]
    assert (found["accepted"], found["rows"], D(found["tonnes"]), found["months"]) == (
        accepted, rows, tonnes, months,
    )  # fmt: skip
    assert isinstance(found["tonnes"], str)
    assert all(list(one) == FINDING for one in found["findings"])
    assert all(one["severity"] in ("强制", "核实", "提示") for one in found["findings"])
    assert all(one["message"] and one["remedy"] for one in found["findings"])
    must = [one for one in found["findings"] if one["severity"] == "强制"]
    assert [one["severity"] for one in must] == ([severest] if severest else [])
    assert sum(found["totals"].values()) == len(found["findings"])
    if place:
        (one,) = must
        assert (one["row"], one["column"], one["value"])[: len(place)] == place
    assert run.out.count("\n") == 1
    assert "Traceback" not in run.err


def test_check_keeps_nothing(told: Told, tmp_path: Path):
    before = state_of(told.desk)
    file = tmp_path / "月报.csv"
    file.write_text(story.csv_text([story.row(A, "2025-02", "铁路", "1")]), encoding="utf-8")
    assert told.desk.run("check", file).code == 0
    assert state_of(told.desk) == before


def test_check_against_the_month_that_is_due(told: Told, tmp_path: Path):
    file = tmp_path / "月报.csv"
    file.write_text(story.csv_text([story.row(A, "2025-01", "铁路", "1")]), encoding="utf-8")
    assert told.desk.run("check", file, "--month", "2025-01").code == 0
    run = told.desk.run("check", file, "--month", "2025-02")
    assert run.code == 1
    assert "2025-02" in run.out
    # What a reader of the JSON sees is what the exit code says.
    run = told.desk.run("check", file, "--month", "2025-02", "--json")
    assert (run.code, run.json["accepted"]) == (1, False)
    (must,) = [one for one in run.json["findings"] if one["severity"] == "强制"]
    assert (must["row"], must["column"], must["value"]) == (2, "月份", "2025-01")
    assert told.desk.run("check", file, "--month", "2025-2-1").code == 2


# ------------------------------------------------------------------------------------------ what is refused


def test_within_one_call_the_later_file_wins(tmp_path: Path):
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"))
    story.write_files(tmp_path / "files")
    story.import_tables(desk, tmp_path / "files")
    run = desk.run("load", tmp_path / "files" / "a.csv", tmp_path / "files" / "a-更正.csv", "--json")
    assert (run.code, run.json["accepted"], run.json["amended"]) == (0, 2, 1)
    (newest,) = [r for r in ledger(desk, submissions.accepted_as_of) if r["month"] == month_of("2025-02")]
    assert (newest["version"], newest["file_name"]) == (2, "a-更正.csv")
    (state,) = [r for r in ledger(desk, submissions.submissions_as_of) if r["month"] == month_of("2025-02")]
    assert state["reason"] == "批量导入"


@pytest.mark.parametrize(
    ("contract", "old", "new", "words"),
    [
        ("registry", "140931", "149999", ("第5行", "县区代码", "149999")),
        ("registry", A, A[:-1] + "5", ("第2行", "统一社会信用代码")),
        ("registry", "单位类型,", "类型,", ("单位类型", "请补上")),
        ("spurs", "宁武西", "宁武东南", ("第2行", "接轨站", "宁武东南")),
        ("official", "1800.25", "约1800", ("第2行", "数值万吨", "约1800")),
        ("targets", "K1", "K9", ("第2行", "指标", "K9")),
        ("events", "2025-01-29", "2025-02-30", ("第2行", "日期", "2025-02-30")),
    ],
)
def test_a_refused_import_changes_nothing(
    told: Told, tmp_path: Path, contract: str, old: str, new: str, words: tuple[str, ...]
):
    """Refused whole, in a sentence with place and remedy, exit 1; the file is kept, the tables are as before."""
    file = tmp_path / f"{contract}.csv"
    text = (told.files / f"{contract}.csv").read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    before = state_of(told.desk)
    run = told.desk.run(contract, "import", file)
    assert run.code == 1
    assert all(word in run.out for word in words)
    assert "未登记" in run.out
    assert "请" in run.out
    assert "Traceback" not in run.out + run.err
    assert state_of(told.desk) == before
    as_json = told.desk.run(contract, "import", file, "--json")
    assert (as_json.code, as_json.json["accepted"], as_json.json["rows"]) == (1, False, 0)


def ledger(desk: Desk, what: Callable) -> list[dict[str, Any]]:
    """A table of the ledger as known today."""
    with reading(open_ledger(desk.home)) as connection:
        return what(connection, month_of("2025-03").replace(day=12)).to_pylist()


def state_of(desk: Desk) -> list[Any]:
    """What the ledger holds and what is published."""
    tables = [registry.registry_as_of, registry.spurs_as_of, submissions.accepted_as_of]
    files = [(f.name, f.stat().st_mtime_ns) for f in sorted((desk.home / "warehouse").iterdir())]
    return [*(ledger(desk, table) for table in tables), files, sorted((desk.home / "rows").iterdir())]


@pytest.mark.parametrize(
    "arguments",
    [
        ("indicators",),
        ("indicators", "--year", "2025", "--by", "planet"),
        ("indicators", "--year", "2025", "--through", "13"),
        ("indicators", "--year", "2025", "--through", "0"),
        ("indicators", "--year", "zwei"),
        # What lies ahead cannot be asked for.
        ("indicators", "--year", "2026"),
        ("indicators", "--year", "2025", "--through", "3"),
        ("rows", "--indicator", "K9", "--year", "2025", "--csv", "out.csv"),
        ("rows", "--indicator", "K2", "--year", "2025"),
        ("check", "no-such-file.csv"),
        ("load",),
        ("build", "--as-of", "10.03.2025"),
        ("build", "--engine", "abacus"),
        ("registry",),
        ("no-such-command",),
        (),
    ],
)
def test_a_wrong_call_is_2(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple):
    monkeypatch.chdir(tmp_path)
    run = told.desk.run(*arguments)
    assert run.code == 2
    assert "Traceback" not in run.out + run.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_published_yet(tmp_path: Path):
    desk = Desk(tmp_path / "home", told_data := tmp_path / "data")
    story.declared_data(told_data)
    assert desk.run("init").code == 0
    assert desk.run("init").code == 0
    run = desk.run("indicators", "--year", 2025)
    assert (run.code, run.err.strip()) == (1, "尚未生成数据，请先运行 railshift build。")
    assert desk.run("build").code == 0
    empty = desk.run("indicators", "--year", 2025, "--json")
    assert {e["verdict"] for e in empty.json["indicators"] if e["id"] in ("K1", "K2", "K3", "K4")} == {
        "数据不足以判定", "无适用运量",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("due_day = 8", "due_day = "),
        ("due_day = 8", ""),
        ('value = "19622"', 'value = "19622万吨"'),
    ],
)
def test_a_plan_that_cannot_be_read_is_a_sentence(tmp_path: Path, old: str, new: str):
    """The real command in its own process: Chinese on stderr, exit 1, no trace, and the folder as it was."""
    data = tmp_path / "data"
    shutil.copytree(DATA, data, ignore=shutil.ignore_patterns("sample"))
    plan = data / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    desk = Desk(tmp_path / "home", data)
    done = subprocess.run(
        [sys.executable, "-m", "etl.cli", "build"],
        env={**desk.environment, "PYTHONIOENCODING": "utf-8", "PATH": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "plan.toml" in done.stderr
    assert "请" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (desk.home / "warehouse").exists()


def test_a_file_of_reference_that_is_missing_is_a_sentence(tmp_path: Path):
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"))
    (desk.data / "reference" / "modes.csv").unlink()
    run = desk.run("check", desk.data / "plan.toml", "--json")
    assert (run.code, run.json["accepted"]) == (1, False)
    assert "缺少申报数据文件 reference/modes.csv" in run.json["findings"][0]["message"]


def test_a_check_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The cube no longer has the tonnes of the rows: the build is refused, the published version stays."""
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"))
    story.write_files(tmp_path / "files")
    story.import_tables(desk, tmp_path / "files")
    desk.run("load", tmp_path / "files" / "a.csv", "--received", RECEIVED)
    assert desk.run("build").code == 0
    real = building.sql_statements
    monkeypatch.setattr(
        building,
        "sql_statements",
        lambda: ((n, s + " limit 1" if n == "cube" else s) for n, s in real()),
    )
    run = desk.run("build")
    assert run.code == 1
    assert "立方体与明细吨数不符" in run.err
    assert "原版本保持不变" in run.err
    monkeypatch.undo()
    assert desk.run("indicators", "--year", 2025, "--json").json["snapshot"] == "v1"
    assert desk.run("build", "--json").json == {"snapshot": "v2"}
