"""What the command line refuses, in which words, with which exit code; and that nothing is changed by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from decimal import Decimal as D
from pathlib import Path

import pytest

from etl.ledger import submissions
from etl.periods import month_of
from etl.warehouse import build as building

from . import story
from .command import DATA, Desk
from .story import RECEIVED, A, Told, ledger, state_of

FINDING = ["code", "severity", "sheet", "row", "column", "value", "message", "remedy"]


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
    run = told.desk.run("check", file, "--month", "2025-02", "--json")
    assert (run.code, run.json["accepted"]) == (1, False)
    (must,) = [one for one in run.json["findings"] if one["severity"] == "强制"]
    assert (must["row"], must["column"], must["value"]) == (2, "月份", "2025-01")


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
        # A name that nobody knows is no empty answer.
        ("rows", "--indicator", "K2", "--year", "2025", "--csv", "out.csv", "--county", "999"),
        ("rows", "--indicator", "K2", "--year", "2025", "--csv", "out.csv", "--corridor", "朔黄铁路"),
        ("rows", "--indicator", "K2", "--year", "2025", "--csv", "out.csv", "--enterprise", "GROUP-9"),
        ("rows", "--indicator", "K2", "--year", "2025", "--csv", "out.csv", "--direction", "发送"),
        ("check", "no-such-file.csv", "--month", "2025-2-1"),
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
    assert desk.run("init", "--json").json == {"home": str(desk.home)}
    run = desk.run("indicators", "--year", 2025)
    assert (run.code, run.err.strip()) == (1, "尚未生成数据，请先运行 railshift build。")
    assert desk.run("build").code == 0
    empty = desk.run("indicators", "--year", 2025, "--json")
    assert {e["verdict"] for e in empty.json["indicators"] if e["id"] in ("K1", "K2", "K3", "K4")} == {
        "数据不足以判定", "无适用运量",
    }  # fmt: skip


def test_a_plan_that_cannot_be_read_is_a_sentence(tmp_path: Path):
    """The real command in its own process: Chinese on stderr, exit 1, no trace, and nothing built."""
    data = tmp_path / "data"
    shutil.copytree(DATA, data, ignore=shutil.ignore_patterns("sample"))
    plan = data / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("due_day = 8", "due_day = ", 1), encoding="utf-8")
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
    # The same in JSON, for a key that is missing and a number that is none.
    for old, new in (("due_day = 8", ""), ('value = "19622"', 'value = "19622万吨"')):
        plan.write_text(text.replace(old, new, 1), encoding="utf-8")
        run = desk.run("build", "--json")
        assert (run.code, run.json["accepted"]) == (1, False)
        assert "plan.toml" in run.json["findings"][0]["message"]


def test_a_file_of_reference_that_is_missing_is_a_sentence(tmp_path: Path):
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"))
    (desk.data / "reference" / "modes.csv").unlink()
    run = desk.run("check", desk.data / "plan.toml", "--json")
    assert (run.code, run.json["accepted"]) == (1, False)
    assert "缺少申报数据文件 reference/modes.csv" in run.json["findings"][0]["message"]


def test_a_mapping_that_cannot_be_read_is_said_with_its_remedy(told: Told, tmp_path: Path):
    mapping = tmp_path / "对照.toml"
    mapping.write_text("x = [", encoding="utf-8")
    run = told.desk.run("check", told.files / "a.csv", "--mapping", mapping)
    assert (run.code, run.out) == (1, "")
    assert "导入对照无法读取" in run.err
    assert "请按说明改正导入对照" in run.err


def test_a_fault_of_ours_is_a_sentence_and_the_trace_is_in_the_log(told: Told, tmp_path: Path):
    desk = Desk(tmp_path / "home", told.desk.data, today="12.3")
    for arguments in (("build",), ("build", "--json")):
        run = desk.run(*arguments)
        assert run.code == 1
        shown = run.json["findings"][0]["message"] if "--json" in arguments else run.err
        assert "系统错误" in shown
        assert "railshift.log" in shown
        assert "Traceback" not in run.out + run.err
    log = (desk.home / "log" / "railshift.log").read_text(encoding="utf-8")
    assert log.count("Traceback") == 2
    assert "ValueError: Invalid isoformat string: '12.3'" in log


def test_a_place_that_cannot_be_written_is_named(told: Told, tmp_path: Path):
    target = tmp_path / "nowhere" / "out.csv"
    run = told.desk.run("rows", "--indicator", "K2", "--year", 2025, "--csv", target)
    assert run.code == 1
    assert str(target) in run.err
    assert "Traceback" not in run.err


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
