"""重点任务 of a small city on 12 March 2025: what is overdue, who may close a problem, what each role sees."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl import builds, pipeline, registers, tasks
from etl.ledger.schema import open_ledger
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import CITY, Actor, NotAllowed, Role
from etl.tasks import NotClosed
from etl.warehouse.scope import EVERYTHING, Scope

from . import story
from .command import DATA
from .story import COAL, NAMES, PLAIN, A, B

TODAY = date(2025, 3, 12)
OFFICE = Scope(Role.DEPARTMENT, "市发改委")
TASK = {"措施": "（五）", "任务": "接轨方案", "责任单位": "市发改委"}
PROBLEM = {"措施": "（五）", "问题": "用地", "责任单位": "市发改委", "提出日期": "2025-01-10"}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("RAILSHIFT_TODAY", TODAY.isoformat())
    monkeypatch.setattr(builds, "start", lambda work: pytest.fail("no build is wanted"))
    story.write_files(tmp_path / "files")
    work = Workplace(tmp_path / "home", open_ledger(tmp_path / "home"), load_declared(DATA))
    registry = tmp_path / "files" / "registry.csv"
    assert pipeline.import_table(work, "registry", registry, recorded_on=date(2025, 3, 1)).accepted
    return work


def enter(work: Workplace, name: str, *rows: dict[str, str]) -> None:
    done = registers.enter(work, name, rows, CITY)
    assert done.accepted, done.findings


def task(code: str, **cells: str) -> dict[str, str]:
    return {**TASK, "任务编号": code, **cells}


def problem(code: str, **cells: str) -> dict[str, str]:
    return {**PROBLEM, "问题编号": code, **cells}


def some(work: Workplace) -> None:
    """Four tasks and four problems, of two offices and two counties."""
    enter(
        work, "tasks",
        task("RW1", 完成时限="2025-03-11"),
        task("RW2", 完成时限="2025-03-12", 措施="（三）", 责任单位="原平车务段"),
        task("RW3", 完成时限="2025-03-01", 状态="已完成", 进度="100"),
        task("RW4", 措施="（七）", 责任单位="原平市人民政府"),
    )  # fmt: skip
    enter(
        work, "problems",
        problem("WT1", 整改时限="2025-03-11", 县区=COAL, 任务编号="RW1"),
        problem("WT2", 整改时限="2025-03-12", 县区=PLAIN, 责任单位="原平车务段"),
        problem("WT3", 整改时限="2025-02-01", 状态="已销号", 销号日期="2025-01-31", 销号依据="已批复"),
        problem("WT4"),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------- what is overdue


@pytest.mark.parametrize(
    ("due_on", "days"), [("2025-03-13", 0), ("2025-03-12", 0), ("2025-03-11", 1), ("", 0)]
)
def test_the_due_day_itself_is_in_time(work: Workplace, due_on: str, days: int):
    enter(work, "tasks", task("RW1", 完成时限=due_on))
    enter(work, "problems", problem("WT1", 整改时限=due_on))
    board = tasks.read(work, EVERYTHING)
    assert [one.overdue for one in (*board.tasks, *board.problems)] == [days, days]


@pytest.mark.parametrize(("state", "days"), [("未开展", 11), ("推进中", 11), ("已完成", 0), ("暂缓", 0)])
def test_what_is_done_or_held_is_not_overdue(work: Workplace, state: str, days: int):
    enter(work, "tasks", task("RW1", 完成时限="2025-03-01", 状态=state))
    assert [one.overdue for one in tasks.read(work, EVERYTHING).tasks] == [days]


def test_the_sentence_counts_what_is_shown(work: Workplace):
    assert tasks.read(work, EVERYTHING).sentence == ("十五项措施下没有登记的任务；问题清单没有问题。")
    some(work)
    assert tasks.read(work, EVERYTHING).sentence == (
        "十五项措施下共有任务4项，已完成1项，逾期1项；问题清单4条，未销号3条，逾期1条。"
    )
    assert tasks.read(work, EVERYTHING, department="原平车务段").sentence == (
        "十五项措施下共有任务1项，已完成0项，逾期0项；问题清单1条，未销号1条，逾期0条。"
    )


def test_the_longest_overdue_problem_stands_first_and_closed_ones_last(work: Workplace):
    some(work)
    enter(work, "problems", problem("WT0", 整改时限="2025-01-31"))
    shown = [one.code for one in tasks.read(work, EVERYTHING).problems]
    assert shown == ["WT0", "WT1", "WT2", "WT4", "WT3"]


# ------------------------------------------------------------------------------------------------ filters


def shown(work: Workplace, scope: Scope = EVERYTHING, **filters) -> tuple[list[str], list[str], list[str]]:
    board = tasks.read(work, scope, **filters)
    return (
        [block.measure.clause for block in board.measures],
        [one.code for one in board.tasks],
        [one.code for one in board.problems],
    )


def test_every_measure_is_listed_in_the_plans_order_also_without_a_task(work: Workplace):
    some(work)
    clauses, codes, _ = shown(work)
    assert clauses == [one.clause for one in work.declared.measures]
    assert len(clauses) == 15
    assert codes == ["RW2", "RW1", "RW3", "RW4"]


def test_filters_narrow_tasks_and_problems(work: Workplace):
    some(work)
    assert shown(work, measure="（六）") == (["（六）"], [], [])
    assert shown(work, measure="（五）")[1:] == (["RW1", "RW3"], ["WT1", "WT2", "WT4", "WT3"])
    assert shown(work, department="原平车务段") == (["（三）"], ["RW2"], ["WT2"])
    assert shown(work, only_overdue=True) == (["（五）"], ["RW1"], ["WT1"])
    # A task belongs to a county that it names, or where one of its problems lies.
    assert shown(work, county=COAL) == (["（五）"], ["RW1"], ["WT1"])
    assert shown(work, county=PLAIN) == (["（七）"], ["RW4"], ["WT2"])
    # What there is to choose from does not shrink with the choice.
    every = tasks.read(work, EVERYTHING).departments
    assert every == ("原平市人民政府", "原平车务段", "市发改委")
    assert tasks.read(work, EVERYTHING, department="原平车务段").departments == every


# ------------------------------------------------------------------------------------- who sees, who closes


def test_a_department_knows_its_own_and_closes_only_those(work: Workplace):
    some(work)
    board = tasks.read(work, OFFICE)
    assert board.own == {"RW1", "RW3", "WT1", "WT3", "WT4"}
    assert [one.code for one in board.may_close] == ["WT1", "WT4"]
    assert len(board.problems) == 4
    assert tasks.read(work, EVERYTHING).own == frozenset()
    assert [one.code for one in tasks.read(work, EVERYTHING).may_close] == ["WT1", "WT2", "WT4"]
    county = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
    assert [one.code for one in tasks.read(work, county).may_close] == ["WT1"]
    leader = Scope(Role.LEADER, "市政府")
    assert tasks.read(work, leader).may_close == ()


def test_closing_needs_the_basis_and_changes_nothing_else(work: Workplace):
    some(work)
    before = {row["problem_code"]: row for row in registers.rows_of(work, "problems", EVERYTHING)}
    actor = Actor.of(OFFICE)
    for closed_on, basis, said in (
        ("2025-03-12", "  ", "请写明销号依据"),
        ("三月", "已批复", "销号日期"),
        ("", "已批复", "销号日期"),
        ("2025-01-09", "已批复", "早于"),
        ("2025-03-13", "已批复", "还没有到"),
    ):
        with pytest.raises(NotClosed, match=said):
            tasks.close_problem(work, "WT1", closed_on, basis, actor)
    with pytest.raises(NotClosed, match="WT9"):
        tasks.close_problem(work, "WT9", "2025-03-12", "已批复", actor)
    with pytest.raises(NotClosed, match="2025-01-31"):
        tasks.close_problem(work, "WT3", "2025-03-12", "再批复", actor)
    with pytest.raises(NotAllowed, match="不属于市发改委"):
        tasks.close_problem(work, "WT2", "2025-03-12", "已批复", actor)
    assert {row["problem_code"]: row for row in registers.rows_of(work, "problems", EVERYTHING)} == before
    tasks.close_problem(work, "WT1", "2025年3月12日", " 用地已批复 ", actor)
    after = {row["problem_code"]: row for row in registers.rows_of(work, "problems", EVERYTHING)}
    closed = {"state": "已销号", "closed_on": "2025-03-12", "closing_basis": "用地已批复"}
    assert after == before | {"WT1": before["WT1"] | closed}


# --------------------------------------------------------------------------- projects, promises, waybills


def test_the_share_of_projects_never_stands_without_its_counts(work: Workplace):
    assert tasks.read(work, EVERYTHING).projects_sentence == "没有登记的新改扩建项目。"
    small = {"县区": PLAIN, "年大宗量万吨": "0", "批复运输方式": "公路", "例外依据": "不涉大宗"}
    enter(work, "projects", {"项目": "甲", **small})
    assert tasks.read(work, EVERYTHING).projects_sentence == (
        "新改扩建项目1个，均不涉及大宗物料运输，不计算非公路项目比例。"
    )
    enter(
        work, "projects",
        {"项目": "乙", "县区": COAL, "年大宗量万吨": "260", "批复运输方式": "铁路"},
        {"项目": "丙", "县区": COAL, "年大宗量万吨": "90", "批复运输方式": "公路", "例外依据": "批复同意"},
        {"项目": "丁", "县区": PLAIN, "年大宗量万吨": "90", "批复运输方式": "皮带廊道"},
    )  # fmt: skip
    said = tasks.read(work, EVERYTHING).projects_sentence
    assert said == "新改扩建项目4个，其中涉大宗物料运输3个；不采用公路的2个，占涉大宗项目的66.7%（2÷3）。"
    assert "占涉大宗项目的50.0%（1÷2）" in tasks.read(work, EVERYTHING, county=COAL).projects_sentence


def test_promises_are_told_to_those_who_see_single_units(work: Workplace):
    row = {"承诺措施": "公转铁", "承诺日期": "2025-01-01"}
    enter(
        work, "commitments",
        {"单位": A, **row, "承诺运量吨": "600000", "兑现期限": "2025-03-11"},
        {"单位": B, **row, "承诺运量吨": "1.5", "兑现期限": "2025-03-12"},
    )  # fmt: skip
    found = tasks.read(work, EVERYTHING).commitments
    assert found is not None
    assert [(one.name, one.days_left) for one in found] == [(NAMES[A], -1), (NAMES[B], 0)]
    ours = tasks.read(work, EVERYTHING, county=PLAIN).commitments
    assert ours is not None
    assert [one.unit_code for one in ours] == [B]
    assert tasks.read(work, OFFICE).commitments is None


def test_waybills_are_added_up_month_by_month(work: Workplace):
    rows = [("2025-01", "甲公司", 3, 30), ("2025-02", "乙公司", 1, 4), ("2025-02", "甲公司", 2, 20)]
    enter(
        work, "bills",
        *({"月份": m, "运营主体": o, "运单票数": str(w), "箱数": str(b)} for m, o, w, b in rows),
    )  # fmt: skip
    newest, before = tasks.read(work, EVERYTHING).bills
    assert (newest.month, newest.waybills, newest.boxes) == (date(2025, 2, 1), 3, 24)
    assert (newest.operators, before.operators) == (2, 1)
    assert (before.month, before.waybills, before.boxes) == (date(2025, 1, 1), 3, 30)
