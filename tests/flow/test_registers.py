"""The 台账: imported, exported, imported again equal; filled in row by row; whose rows are whose."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl import builds, pipeline, registers
from etl.ledger import audit, jobs, tables
from etl.ledger.schema import open_ledger, reading
from etl.ledger.tables import TABLES, Row
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import CITY, Actor, NotAllowed, Role
from etl.warehouse.scope import EVERYTHING, Scope

from . import story
from .command import DATA, Desk
from .demonstration import demonstration
from .story import COAL, PLAIN, A, B

DAY = date(2025, 3, 12)
TASK = {"任务编号": "RW01", "措施": "（五）", "任务": "接轨方案", "责任单位": "市发改委"}
TRAIN = {"月份": "2025-02", "车站": "宁武西", "货类": "煤炭", "方向": "发运"}
DEPARTMENT = Actor("市发改委经办人", Role.DEPARTMENT, department="市发改委")
COUNTY = Actor("宁武县审核人", Role.COUNTY, counties=frozenset({COAL}))
RAILWAY = Actor("原平车务段", Role.RAILWAY)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """The small city's registry, nothing else; no build is started."""
    monkeypatch.setenv("RAILSHIFT_TODAY", DAY.isoformat())
    monkeypatch.setattr(builds, "start", lambda work: pytest.fail("no build is wanted"))
    story.write_files(tmp_path / "files")
    work = Workplace(tmp_path / "home", open_ledger(tmp_path / "home"), load_declared(DATA))
    assert pipeline.import_table(
        work, "registry", tmp_path / "files" / "registry.csv", recorded_on=date(2025, 3, 1)
    ).accepted
    return work


def enter(work: Workplace, name: str, *rows: dict[str, str], actor: Actor = CITY, on: date = DAY):
    return registers.enter(work, name, rows, actor, on=on)


def known(work: Workplace, name: str, day: date = DAY) -> list[Row]:
    with reading(work.ledger) as connection:
        return tables.rows_as_of(connection, name, day)


# ------------------------------------------------------------------------------ there, back and there again


@pytest.mark.parametrize("name", TABLES)
def test_a_table_exported_and_imported_again_is_equal(tmp_path: Path, name: str):
    """From the demonstration into an empty ledger, and out once more: rows and file are the same."""
    desk, home = demonstration(), tmp_path / "home"
    home.mkdir()
    (home / "DEMONSTRATION").write_text("演示数据\n", encoding="utf-8")
    other = Desk(home, today=desk.today)
    first, second = tmp_path / "一.csv", tmp_path / "二.csv"
    command = name.replace("_", "-")
    out = desk.run("export", command, "--out", first, "--json").json
    rows = registers.rows_of(pipeline_of(desk), name, EVERYTHING, date(2026, 10, 12))
    assert (out["table"], out["rows"]) == (name, len(rows))
    assert len(rows) > 1
    assert first.read_text(encoding="utf-8-sig").startswith("# 演示数据")
    again = other.run(command, "import", first, "--received", "2020-01-01", "--json")
    assert (again.json["accepted"], again.json["rows"], again.json["findings"]) == (True, len(rows), [])
    assert registers.rows_of(pipeline_of(other), name, EVERYTHING, date(2026, 10, 12)) == rows
    assert other.run("export", command, "--out", second).code == 0
    assert second.read_bytes() == first.read_bytes()


def pipeline_of(desk: Desk) -> Workplace:
    return Workplace(desk.home, open_ledger(desk.home), load_declared(DATA, DATA / "sample"))


def test_a_text_that_looks_like_a_formula_comes_back_as_it_was(work: Workplace, tmp_path: Path):
    enter(work, "tasks", TASK | {"进展": "=1+1", "节点": "-先期"})
    out = tmp_path / "任务.csv"
    assert registers.export(work, "tasks", out) == 1
    assert "'=1+1" in out.read_text(encoding="utf-8-sig")
    before = known(work, "tasks")
    assert pipeline.import_table(work, "tasks", out, recorded_on=DAY).rows == 1
    assert known(work, "tasks") == before


def test_an_unknown_table_is_a_wrong_call(tmp_path: Path):
    run = Desk(tmp_path / "home").run("export", "nothing", "--out", tmp_path / "x.csv")
    assert (run.code, "nothing" in run.err) == (2, True)


def test_a_table_as_it_was_known_on_a_day(work: Workplace, tmp_path: Path):
    enter(work, "tasks", TASK | {"进度": "10"}, on=date(2025, 1, 5))
    enter(work, "tasks", TASK | {"进度": "90"}, on=DAY)
    assert [row["progress"] for row in known(work, "tasks")] == ["90"]
    assert [row["progress"] for row in known(work, "tasks", date(2025, 2, 1))] == ["10"]
    assert known(work, "tasks", date(2025, 1, 1)) == []
    out = tmp_path / "二月.csv"
    registers.export(work, "tasks", out, date(2025, 2, 1))
    assert ",10,推进中," in out.read_text(encoding="utf-8-sig")


# --------------------------------------------------------------------------------------------- row by row


def test_a_row_is_checked_as_a_file_is(work: Workplace):
    done = enter(work, "tasks", TASK, TASK | {"任务编号": "RW02", "措施": "（二）"})
    assert (done.accepted, done.rows, [f.code for f in done.findings]) == (False, 0, ["T006"])
    assert known(work, "tasks") == []
    assert enter(work, "tasks", TASK).rows == 1
    with reading(work.ledger) as connection:
        assert audit.broken(connection) == []


def test_a_single_train_leaves_the_others_of_the_list(work: Workplace):
    """A file replaces the list of a station's month; a row that is filled in replaces that row alone."""
    trains = [TRAIN | {"托运人": unit, "运量吨": tonnes} for unit, tonnes in ((A, "900"), (B, "50"))]
    enter(work, "station_list", *trains, on=date(2025, 3, 1))
    enter(work, "station_list", TRAIN | {"托运人": A, "运量吨": "910"})
    assert {row["shipper"]: row["tonnes"] for row in known(work, "station_list")} == {A: "910", B: "50"}
    whole = known(work, "station_list")[:1]
    with work.ledger.begin() as connection:
        tables.bring(connection, "station_list", whole, DAY, "清单.csv", CITY)
    assert known(work, "station_list") == whole


def test_what_published_figures_rest_on_is_built_again(work: Workplace, monkeypatch):
    asked = []
    monkeypatch.setattr(builds, "answer_later", asked.append)
    event = {"日期": "2025-03-01", "对象类型": "通道", "对象": "朔黄", "说明": "检修"}
    assert enter(work, "events", event).accepted
    with reading(work.ledger) as connection:
        assert jobs.open_requests(connection) == 1
    assert asked == [work]
    assert enter(work, "tasks", TASK).accepted
    assert asked == [work]


# ------------------------------------------------------------------------------------------ whose is whose


def test_a_department_keeps_its_own_tasks(work: Workplace):
    assert enter(work, "tasks", TASK, actor=DEPARTMENT).rows == 1
    others = TASK | {"任务编号": "RW02", "责任单位": "市财政局"}
    for row in (others, others | {"责任单位": "市发改委"}):
        enter(work, "tasks", others)
        # Not by naming another, and not by taking over what is another's.
        with pytest.raises(NotAllowed, match="RW02"):
            enter(work, "tasks", row, actor=DEPARTMENT)
    with pytest.raises(NotAllowed):
        enter(work, "tasks", TASK, actor=Actor("无名部门", Role.DEPARTMENT))
    assert [row["responsible"] for row in known(work, "tasks")] == ["市发改委", "市财政局"]


def test_a_county_keeps_its_own_rows(work: Workplace):
    project = {"项目": "改扩建", "县区": COAL, "年大宗量万吨": "1"}
    promise = {
        "单位": A, "承诺措施": "公转铁", "承诺运量吨": "6", "承诺日期": "2025-01-20", "兑现期限": "2025-12-31",
    }  # fmt: skip
    assert enter(work, "projects", project, actor=COUNTY).rows == 1
    assert enter(work, "commitments", promise, actor=COUNTY).rows == 1
    for name, row in (
        ("projects", project | {"项目": "别处", "县区": PLAIN}),
        ("projects", project | {"县区": PLAIN}),
        ("commitments", promise | {"单位": B}),
    ):
        with pytest.raises(NotAllowed, match="未登记"):
            enter(work, name, row, actor=COUNTY)


@pytest.mark.parametrize(
    "name, role, may",
    [
        ("official", Role.RAILWAY, True), ("official", Role.COUNTY, False), ("registry", Role.ADMIN, True),
        ("registry", Role.RAILWAY, False), ("tasks", Role.LEADER, False), ("tasks", Role.ADMIN, False),
        ("targets", Role.DEPARTMENT, False), ("commitments", Role.ENTERPRISE, False),
        ("contacts", Role.ENTERPRISE, True), ("bills", Role.RAILWAY, True),
        ("station_list", Role.RAILWAY, True), ("station_list", Role.ENTERPRISE, False),
    ],
)  # fmt: skip
def test_who_may_write_a_table(work: Workplace, name: str, role: Role, may: bool):
    actor = Actor("某人", role, units=frozenset({A}) if role is Role.ENTERPRISE else None)
    if may:
        with work.ledger.begin() as connection:
            assert tables.bring(connection, name, [], DAY, "空.csv", actor) == 0
    else:
        with work.ledger.begin() as connection, pytest.raises(NotAllowed, match="不能登记"):
            tables.bring(connection, name, [], DAY, "空.csv", actor)


def test_an_enterprise_keeps_its_own_contacts(work: Workplace):
    contact = {"单位": A, "联系人": "演示", "邮箱": "a@example.invalid"}
    clerk = Actor("填报人", Role.ENTERPRISE, units=frozenset({A}))
    assert enter(work, "contacts", contact, actor=clerk).rows == 1
    with pytest.raises(NotAllowed):
        enter(work, "contacts", contact | {"单位": B}, actor=clerk)


def test_what_each_role_sees(work: Workplace, monkeypatch):
    monkeypatch.setattr(builds, "answer_later", lambda work: None)
    trains = [TRAIN | {"托运人": unit, "运量吨": "9"} for unit in (A, B)]
    enter(work, "station_list", *trains)
    enter(work, "tasks", TASK)
    problem = {"措施": "5", "问题": "x", "责任单位": "市发改委", "提出日期": "2025-03-01"}
    enter(
        work,
        "problems",
        *(problem | {"问题编号": n, "县区": c} for n, c in (("1", COAL), ("2", PLAIN), ("3", ""))),
    )
    events = [
        {"日期": "2025-03-01", "对象类型": kind, "对象": what, "说明": "x"}
        for kind, what in (("全市", ""), ("县区", PLAIN), ("企业", B), ("企业", A))
    ]
    enter(work, "events", *events)
    county = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
    clerk = Scope(Role.ENTERPRISE, "甲", units=frozenset({A}))
    sees = {
        scope.role: {
            name: len(registers.rows_of(work, name, scope))
            for name in ("registry", "station_list", "tasks", "problems", "events")
        }
        for scope in (EVERYTHING, county, clerk, Scope(Role.RAILWAY, "段"), Scope(Role.DEPARTMENT, "局"))
    }
    assert sees == {
        Role.ANALYST: {"registry": 4, "station_list": 2, "tasks": 1, "problems": 3, "events": 4},
        Role.COUNTY: {"registry": 2, "station_list": 1, "tasks": 1, "problems": 2, "events": 2},
        Role.ENTERPRISE: {"registry": 1, "station_list": 1, "tasks": 0, "problems": 0, "events": 0},
        Role.RAILWAY: {"registry": 0, "station_list": 2, "tasks": 1, "problems": 3, "events": 2},
        Role.DEPARTMENT: {"registry": 0, "station_list": 0, "tasks": 1, "problems": 3, "events": 2},
    }


def test_projects_without_road():
    projects = [
        {"bulk_volume": volume, "approved_modes": approved, "actual_modes": actual}
        for volume, approved, actual in (
            ("260", "铁路", ""), ("180", "铁路", "铁路、公路"), ("0.5", "公路（新能源）", ""), ("0", "铁路", ""),
            ("90", "", ""), ("100", "公路", "皮带廊道"),
        )
    ]  # fmt: skip
    assert registers.bulk_projects(projects) == registers.Bulk(projects=5, without_road=2)


def test_what_may_stand_in_a_column(work: Workplace):
    assert registers.choices_of(work, "tasks", "状态") == "未开展、推进中、已完成、暂缓"
    assert registers.choices_of(work, "tasks", "任务") == ""
    assert registers.columns_of("tasks")[0].header == "任务编号"
