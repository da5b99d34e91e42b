"""From a clerk's file to the published number: tried out, submitted, reviewed, sent back, corrected, amended.

A, a large mine with a spur in the coal county: January is accepted, 900 t by rail and 100 t by road. February is
700 t by rail and 100 t by road over 500 km: K2 goes from 900/1000 to 1600/1800.
"""

from __future__ import annotations

import hashlib
import shutil
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

from etl.ledger import audit, submissions
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of

from . import story
from .command import Desk, Run
from .story import GROUP, RECEIVED, A, B

JANUARY, FEBRUARY = story.ROWS_OF_A[:2], story.ROWS_OF_A[2:4]
NAME = "演示一号煤业"


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The city with A's January accepted and published."""
    base = tmp_path_factory.mktemp("submit")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    file = write(base / "files" / "january.csv", JANUARY)
    assert desk.run("load", file, "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    return desk


@pytest.fixture
def desk(january: Desk, tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    shutil.copytree(january.home, home)
    return Desk(home, january.data)


def write(path: Path, rows: list[list[object]]) -> Path:
    path.write_text(story.csv_text(rows), encoding="utf-8")
    return path


def renamed(rows: list[list[object]], month: str) -> list[list[object]]:
    """The rows under a name that is not the registry's, which needs an explanation (I007)."""
    changes = {story.HEADERS.index("企业名称"): NAME, story.HEADERS.index("月份"): month}
    return [[changes.get(place, cell) for place, cell in enumerate(row)] for row in rows]


def number(run: Run) -> int:
    """The receipt's number of a return with one unit-month."""
    assert (run.code, run.json["submitted"]) == (0, True), run.out + run.err
    (receipt,) = run.json["receipts"]
    return receipt["receipt"]


def waiting(desk: Desk) -> list[dict[str, Any]]:
    return desk.run("review", "list", "--json").json["submissions"]


def share(desk: Desk, *options: object, id_: str = "K2") -> F:
    """A's share as published."""
    run = desk.run("indicators", "--year", 2025, "--by", "enterprise", *options, "--json")
    (entry,) = [e for e in run.json["indicators"] if (e["id"], e["object"]) == (id_, A)]
    return F(entry["numerator"]) / F(entry["denominator"])


def states(desk: Desk, submission: int) -> list[tuple[str, str]]:
    """State and reason of each step of a submission."""
    with reading(open_ledger(desk.home)) as connection:
        return [(step.after.value, step.reason) for step in submissions.history(connection, submission)]


def contents(home: Path) -> dict[str, str]:
    """Every file of the run-time folder but the ledger's, and what the ledger says."""
    with reading(open_ledger(home)) as connection:
        ledger = repr(connection.exec_driver_sql("select * from audit_log").fetchall())
        counts = [
            connection.exec_driver_sql(f"select count(*) from {table}").scalar_one()  # noqa: S608
            for table in ("submission", "stored_file", "check_result", "explanation")
        ]
    files = {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in home.rglob("*")
        if file.is_file() and not file.name.startswith("ledger.sqlite")
    }
    return files | {"ledger": f"{ledger}{counts}"}


# --------------------------------------------------------------------------- from file to published number


def test_from_a_file_to_the_published_number(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "二月.csv", FEBRUARY)
    run = desk.run("submit", file, "--uscc", A, "--json")
    id_ = number(run)
    assert run.json["receipts"] == [
        {
            "receipt": id_, "unit_code": A, "name": story.NAMES[A], "month": "2025-02", "rows": 2, "tonnes": "800",
        }
    ]  # fmt: skip
    assert run.json["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert run.json["received_at"].startswith("2025-03-12T")
    (one,) = waiting(desk)
    assert (one["id"], one["state"], one["received_on"]) == (id_, "已上报", "2025-03-12")
    assert (one["rows"], one["tonnes"], one["file"]) == (2, "800", "二月.csv")
    assert share(desk) == F(900, 1000)
    approved = desk.run("review", "approve", id_, "--json")
    assert approved.json == {
        "state": "通过", "submissions": [{"id": id_, "unit_code": A, "month": "2025-02"}], "snapshot": "v2",
        "building": False, "unpublished": None,
    }  # fmt: skip
    assert waiting(desk) == []
    assert share(desk) == F(1600, 1800)
    assert [state for state, _ in states(desk, id_)] == ["暂存", "已上报", "市级审核", "通过"]
    with reading(open_ledger(desk.home)) as connection:
        assert audit.broken(connection) == []


def test_the_same_in_words(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "二月.csv", FEBRUARY)
    lines = desk.run("submit", file).out.splitlines()
    assert lines[0] == "二月.csv：通过校验，2行，800吨。"
    assert lines[1].startswith("已上报，回执编号")
    assert lines[1].endswith(f"：{story.NAMES[A]} 2025年2月，2行，800吨。")
    assert lines[2].startswith("收到时间：2025-03-12 ")
    assert lines[3] == f"文件校验值（SHA-256）：{hashlib.sha256(file.read_bytes()).hexdigest()}"
    (id_,) = [one["id"] for one in waiting(desk)]
    assert desk.run("review", "list").out.splitlines() == [
        f"{id_}  {story.NAMES[A]} 2025年2月：已上报，2025-03-12收到，2行，800吨。", "待审核1份。",
    ]  # fmt: skip
    assert desk.run("review", "approve", id_).out.splitlines() == [
        f"已通过：{id_} {story.NAMES[A]} 2025年2月。",
        "已发布：v2",
    ]


def test_a_month_without_traffic(desk: Desk, tmp_path: Path):
    run = desk.run("submit", write(tmp_path / "零.csv", [story.zero(A, "2025-02")]))
    assert "2025年2月，零申报。" in run.out
    assert "收到，零申报。" in desk.run("review", "list").out


def test_sent_back_with_its_reason_and_corrected(desk: Desk, tmp_path: Path):
    id_ = number(desk.run("submit", write(tmp_path / "一.csv", FEBRUARY[:1]), "--json"))
    back = desk.run("review", "return", id_, "--reason", "公路漏报", "--json")
    assert (back.json["state"], back.json["snapshot"]) == ("退回", None)
    assert waiting(desk) == []
    assert number(desk.run("submit", write(tmp_path / "二.csv", FEBRUARY), "--json")) == id_
    assert [(one["id"], one["rows"], one["version"]) for one in waiting(desk)] == [(id_, 2, 1)]
    assert desk.run("review", "approve", id_).code == 0
    assert share(desk) == F(1600, 1800)
    assert states(desk, id_) == [
        ("暂存", ""), ("已上报", ""), ("市级审核", ""), ("退回", "公路漏报"),
        ("暂存", ""), ("已上报", ""), ("市级审核", ""), ("通过", ""),
    ]  # fmt: skip


def test_an_accepted_month_is_amended_with_a_reason_and_the_old_value_stays(desk: Desk, tmp_path: Path):
    """January by rail 1900 t, not 900: 1900/2000 from the day it is accepted on, 900/1000 before."""
    file = write(tmp_path / "更正.csv", [story.row(A, "2025-01", "铁路", "1900"), JANUARY[1]])
    refused = desk.run("submit", file, "--json")
    assert (refused.code, refused.json["accepted"]) == (1, False)
    assert "须写明原因" in refused.json["findings"][0]["message"]
    assert waiting(desk) == []
    id_ = number(desk.run("submit", file, "--reason", "漏报两列车", "--json"))
    (one,) = waiting(desk)
    assert (one["version"], one["reason"]) == (2, "漏报两列车")
    assert "更正（第2版）：漏报两列车" in desk.run("review", "list").out
    # Until it is approved, what was accepted counts, in a new build too.
    assert desk.run("build").code == 0
    assert share(desk) == F(900, 1000)
    assert desk.run("review", "approve", id_).code == 0
    assert share(desk) == F(1900, 2000)
    assert desk.run("build", "--as-of", "2025-03-10").code == 0
    assert share(desk, "--as-of", "2025-03-10") == F(900, 1000)


def test_what_is_accepted_already_needs_no_second_time(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "一月.csv", JANUARY)
    run = desk.run("submit", file, "--json")
    assert (run.code, run.json["submitted"], run.json["receipts"]) == (0, True, [])
    assert run.json["unchanged"] == [{"unit_code": A, "month": "2025-01"}]
    assert "内容与已通过的月报相同，无须再报" in desk.run("submit", file).out
    assert waiting(desk) == []


# ------------------------------------------------------------------------------------------- explanations


def test_a_finding_to_explain(desk: Desk, tmp_path: Path):
    """Missing: refused with the code. Given: on the reviewer's list. Next month: offered again."""
    file = write(tmp_path / "二月.csv", renamed(FEBRUARY, "2025-02"))
    refused = desk.run("submit", file, "--json")
    assert (refused.code, refused.json["accepted"], refused.json["submitted"]) == (1, True, False)
    assert refused.json["to_explain"] == [{"code": "I007", "last": None}]
    assert waiting(desk) == []
    assert (
        desk.home / "uploads" / refused.json["sha256"][:2] / refused.json["sha256"]
    ).read_bytes() == file.read_bytes()
    blank = desk.run("submit", file, "--explain", "I007= ", "--json")
    assert blank.json["submitted"] is False
    nothing_before = desk.run("submit", file, "--explain", "I007=同上月", "--json")
    assert nothing_before.json["submitted"] is False
    words = desk.run("submit", file)
    assert "请说明 I007：--explain I007=原因。" in words.out
    assert "未上报" in words.out
    id_ = number(desk.run("submit", file, "--explain", "I007=已更名，待变更登记", "--json"))
    assert waiting(desk)[0]["explanations"] == {"I007": "已更名，待变更登记"}
    assert "说明 I007：已更名，待变更登记" in desk.run("review", "list").out
    assert desk.run("review", "approve", id_).code == 0

    march = write(tmp_path / "三月.csv", renamed(FEBRUARY, "2025-03"))
    offered = desk.run("submit", march, "--json")
    assert offered.json["to_explain"] == [{"code": "I007", "last": "已更名，待变更登记"}]
    assert "上次说明：已更名，待变更登记（沿用可填 --explain I007=同上月）" in desk.run("submit", march).out
    number(desk.run("submit", march, "--explain", "I007=同上月", "--json"))
    assert waiting(desk)[0]["explanations"] == {"I007": "已更名，待变更登记"}


def test_the_past_is_asked_of_a_return_and_not_of_history(desk: Desk, tmp_path: Path):
    """万吨 typed for 吨 in February: to be explained by the clerk; staff who load history are not asked."""
    file = write(tmp_path / "二月.csv", [story.row(A, "2025-02", "铁路", "0.07")])
    run = desk.run("submit", file, "--json")
    assert (run.code, run.json["totals"]) == (1, {"H002": 1})
    (found,) = run.json["findings"]
    assert (found["row"], found["column"], found["value"]) == (2, "运量吨", "0.07")
    assert desk.run("check", file, "--json").json["totals"] == {"H002": 1}
    assert desk.run("load", file, "--json").json["files"][0]["totals"] == {}


# ------------------------------------------------------------------------------------------ tried out


def test_trying_out_stores_nothing(desk: Desk, tmp_path: Path):
    before = contents(desk.home)
    rows = [
        *FEBRUARY,
        story.row(A, "2025-01", "铁路", "950"),
        story.row(A, "2025-01", "公路", "50", 备注="x"),
    ]
    file = write(tmp_path / "两月.csv", rows)
    run = desk.run("submit", file, "--dry-run", "--json")
    assert contents(desk.home) == before
    assert (run.code, run.json["submitted"], run.json["to_explain"]) == (0, False, [])
    january, february = run.json["previews"]
    assert [february[key] for key in ("previous_version", "added", "changed", "removed")] == [None, 2, 0, 0]
    assert february["sentences"] == [
        "本月运量800吨，比上月下降20.0%，上年同月没有已通过的月报",
        "2025年1—2月中长距离煤焦铁路占比：本次提交后贵单位占比90.0% → 88.9%，下降1.1个百分点",
        "2025年1—2月专用线单位大宗铁路占比：本次提交后贵单位占比90.0% → 88.9%，下降1.1个百分点",
    ]
    assert F(february["after"]["K2"]["numerator"]) == 1600
    assert [january[key] for key in ("previous_version", "added", "changed", "removed")] == [1, 0, 2, 0]
    assert january["rows"][1]["cells"] == [
        {"column": "运量吨", "before": "100", "after": "50"},
        {"column": "备注", "before": "", "after": "x"},
    ]
    assert january["sentences"][1] == (
        "2025年1月中长距离煤焦铁路占比：本次提交后贵单位占比90.0% → 95.0%，上升5.0个百分点"
    )
    words = desk.run("submit", file, "--dry-run").out
    assert f"{story.NAMES[A]} 2025年1月：新增0行，修改2行，删除0行（与第1版相比）。" in words
    assert f"{story.NAMES[A]} 2025年2月：新增2行，修改0行，删除0行（此前没有已通过的月报）。" in words
    assert "修改 第5行 煤炭 发运 公路 某地—某港：运量吨 100 → 50，备注 空 → x" in words
    assert words.splitlines()[-1] == "试校验完成，没有登记。"
    assert contents(desk.home) == before


def test_rows_of_one_flow_are_told_apart(desk: Desk, tmp_path: Path):
    """Of two new rows that could stand for the old one it is the one that differs least; the same row is no change."""
    rows = [
        JANUARY[0], story.row(A, "2025-01", "公路", "200", 运距公里="561", 备注="x"),
        story.row(A, "2025-01", "公路", "100", 备注="y"),
    ]  # fmt: skip
    (preview,) = desk.run("submit", write(tmp_path / "一月.csv", rows), "--dry-run", "--json").json[
        "previews"
    ]
    assert [(one["kind"], one["row"]) for one in preview["rows"]] == [("修改", 4), ("新增", 3)]
    twice = write(tmp_path / "两遍.csv", [JANUARY[0], JANUARY[0]])
    (preview,) = desk.run("submit", twice, "--dry-run", "--json").json["previews"]
    assert [(one["kind"], one["row"]) for one in preview["rows"]] == [("新增", 3), ("删除", 3)]


def test_trying_out_says_what_would_be_asked(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "二月.csv", renamed(FEBRUARY, "2025-02"))
    run = desk.run("submit", file, "--dry-run")
    assert run.code == 0
    assert "请说明 I007" in run.out
    wrong = write(tmp_path / "错.csv", [story.row(A, "2025-02", "铁路", "x")])
    run = desk.run("submit", wrong, "--dry-run", "--json")
    assert (run.code, run.json["accepted"], run.json["previews"]) == (1, False, [])


# --------------------------------------------------------------------------------------- what is refused


def test_a_file_with_a_must_is_kept_and_not_taken(desk: Desk, tmp_path: Path):
    """One bad row: the whole return is refused, the other month too."""
    before = contents(desk.home)
    file = write(tmp_path / "二月.csv", [*FEBRUARY, story.row(A, "2025-03", "铁路", "-1")])
    run = desk.run("submit", file, "--json")
    assert (run.code, run.json["accepted"], run.json["submitted"]) == (1, False, False)
    assert waiting(desk) == []
    after = contents(desk.home)
    kept = f"uploads/{run.json['sha256'][:2]}/{run.json['sha256']}"
    assert after.keys() - before.keys() == {kept}
    assert "未上报" in desk.run("submit", file).out


def test_tonnes_in_ten_thousands_wait_for_a_new_file(desk: Desk, tmp_path: Path):
    file = tmp_path / "万吨.csv"
    file.write_text(story.csv_text(FEBRUARY).replace("运量吨", "运量万吨"), encoding="utf-8")
    run = desk.run("submit", file, "--explain", "S112=没有办法", "--json")
    assert (run.code, run.json["submitted"], run.json["receipts"]) == (1, False, [])


def test_only_the_own_unit(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "二月.csv", FEBRUARY)
    foreign = desk.run("submit", file, "--unit", B, "--json")
    assert (foreign.code, foreign.json["totals"]["I009"]) == (1, 2)
    unknown = desk.run("submit", file, "--uscc", "91350100M000100Y43")
    assert (unknown.code, "名录中没有代码为91350100M000100Y43的单位" in unknown.err) == (1, True)
    both = [story.row(B, "2025-02", "铁路", "5"), story.zero("GROUP-2", "2025-02")]
    run = desk.run("submit", write(tmp_path / "集团.csv", both), "--uscc", GROUP, "--json")
    assert [one["unit_code"] for one in run.json["receipts"]] == [B, "GROUP-2"]
    one_only = desk.run("submit", tmp_path / "集团.csv", "--uscc", GROUP, "--unit", B, "--json")
    assert one_only.json["totals"]["I009"] == 1


@pytest.mark.parametrize("text", ["I007", "Z999=x", "=x", ""])
def test_an_explanation_is_a_code_and_words(desk: Desk, tmp_path: Path, text: str):
    run = desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY), "--explain", text)
    assert (run.code, "Traceback" in run.err) == (2, False)


def test_a_return_under_review_cannot_be_replaced_or_decided_twice(desk: Desk, tmp_path: Path):
    id_ = number(desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY), "--json"))
    # Not reviewed yet: the sender may still hand in another file.
    assert number(desk.run("submit", write(tmp_path / "另.csv", FEBRUARY[:1]), "--json")) == id_
    blank = desk.run("review", "return", id_, "--reason", " ")
    assert (blank.code, "须写明原因" in blank.err) == (1, True)
    assert [one["state"] for one in waiting(desk)] == ["已上报"]
    # One that cannot be decided: none is.
    unknown = desk.run("review", "approve", id_, 99)
    assert (unknown.code, "没有编号为99的报表" in unknown.err) == (1, True)
    assert [one["state"] for one in waiting(desk)] == ["已上报"]
    assert desk.run("review", "approve", id_).code == 0
    for command in (("approve", id_), ("return", id_, "--reason", "x")):
        run = desk.run("review", *command)
        assert (run.code, "状态为“通过”的报表不能改为" in run.err) == (1, True)
        as_json = desk.run("review", *command, "--json")
        assert as_json.json["accepted"] is False
    assert desk.run("review", "approve").code == 2
    assert desk.run("review", "return", id_).code == 2


def test_a_mended_file_of_the_same_bytes_keeps_accepted_rows(desk: Desk, tmp_path: Path):
    """Staff load a file of two units; one of them submits the same bytes for itself alone: refused, and the rows
    of both are still there."""
    rows = [*FEBRUARY, story.row(B, "2025-02", "公路", "10")]
    file = write(tmp_path / "两家.csv", rows)
    assert desk.run("load", file).code == 0
    assert desk.run("submit", file, "--unit", A).code == 1
    assert desk.run("build").code == 0
    with reading(open_ledger(desk.home)) as connection:
        accepted = submissions.accepted_as_of(connection, month_of("2025-04")).to_pylist()
    assert all((desk.home / one["rows_file"]).is_file() for one in accepted if one["rows_file"])


def test_a_fault_of_ours_is_said_without_a_trace(desk: Desk, tmp_path: Path):
    """Accepted rows are gone from the disk: no clerk is told that it was the file."""
    shutil.rmtree(desk.home / "rows")
    run = desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY))
    assert run.code == 1
    assert "系统错误，与您的文件无关" in run.err
    assert "Traceback" not in run.out + run.err
