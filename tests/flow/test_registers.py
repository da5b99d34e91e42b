"""The 台账: imported, exported, imported again equal; filled in row by row; whose rows are whose."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl import builds, pipeline, registers
from etl.intake import contracts
from etl.intake.contracts import Column
from etl.ledger import audit, jobs, tables
from etl.ledger.schema import open_ledger, reading
from etl.ledger.tables import TABLES, Row
from etl.periods import add_months
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
AWKWARD = (
    "# 演示", "=1+1", "+86 350", "-先期", "@单位", "'引", "''=1", '"引号"', '甲",乙', "甲,乙;丙；丁\t戊",
    "上\n下", "上\n\n下", "全角ＡＢ１２，", "007", "1e3", "2025-03", "制表人：某某", "<b>粗</b>&amp;", "任务编号", "是",
    "\\", "—",
)  # fmt: skip


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Workplace:
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


@pytest.mark.parametrize("name", TABLES)
def test_awkward_texts_come_back_as_they_were(work: Workplace, tmp_path: Path, monkeypatch, name: str):
    """What a spreadsheet would run, cut, join or take for something else, in each text of each table."""
    monkeypatch.setattr(builds, "answer_later", lambda work: None)
    assert enter(work, name, *awkward_rows(work, name)).accepted
    other = Workplace(tmp_path / "other", open_ledger(tmp_path / "other"), work.declared)
    first, second = tmp_path / "一.csv", tmp_path / "二.csv"
    before = known(work, name)
    assert registers.export(work, name, first) == len(before) >= len(AWKWARD)
    again = pipeline.import_table(other, name, first, recorded_on=DAY)
    assert (again.rows, again.findings) == (len(before), ())
    assert known(other, name) == before
    registers.export(other, name, second)
    assert second.read_bytes() == first.read_bytes()
    texts = {column.field for column in registers.columns_of(name) if column.kind is contracts.TEXT}
    assert {row[field] for row in before for field in texts} >= set(AWKWARD if texts else ())


def awkward_rows(work: Workplace, name: str) -> list[dict[str, str]]:
    """A row for each awkward text, with a key of its own."""
    return [
        {column.header: awkward_cell(work, name, column, number) for column in registers.columns_of(name)}
        for number in range(len(AWKWARD))
    ]


def awkward_cell(work: Workplace, name: str, column: Column, number: int) -> str:
    if listed := registers.listed_of(work, name, column.header):
        # What is closed must be said to be.
        return listed[-1] if (name, column.header) == ("problems", "状态") else listed[0]
    month = add_months(date(2023, 1, 1), number)
    values = {
        id(contracts.TEXT): AWKWARD[number],
        id(contracts.KEY): f"00{number:02d}",
        id(contracts.USCC): A,
        id(contracts.UNIT): A,
        id(contracts.MONTH): f"{month:%Y-%m}",
        id(contracts.DAY): month.isoformat(),
        id(contracts.YEAR): str(2001 + number),
        id(contracts.EMAIL): f"a{number}+b@example.invalid",
        id(contracts.MODES): "铁路、皮带廊道",
        id(contracts.OBJECTS): "全市" if name in ("official", "events") else COAL,
        id(contracts.CALIBER): "发送＋接运",
        id(contracts.COUNT): "0",
        id(contracts.PERCENT): "12.5",
        id(contracts.TONNES): "123456789012.001",
        id(contracts.NUMBER): "0.000001",
    }
    return values[id(column.kind)]


def test_a_text_that_looks_like_a_formula_comes_back_as_it_was(work: Workplace, tmp_path: Path):
    enter(work, "tasks", TASK | {"进展": "=1+1", "节点": "-先期"})
    out = tmp_path / "任务.csv"
    assert registers.export(work, "tasks", out) == 1
    assert "'=1+1" in out.read_text(encoding="utf-8-sig")
    before = known(work, "tasks")
    assert pipeline.import_table(work, "tasks", out, recorded_on=DAY).rows == 1
    assert known(work, "tasks") == before


def test_an_export_holds_what_its_reader_sees(work: Workplace, tmp_path: Path):
    trains = [TRAIN | {"托运人": unit, "运量吨": "9"} for unit in (A, B)]
    enter(work, "station_list", *trains)
    enter(work, "tasks", TASK)
    clerk = Scope(Role.ENTERPRISE, "甲", units=frozenset({A}))
    county = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
    out = tmp_path / "清单.csv"
    for scope in (clerk, county):
        assert registers.export(work, "station_list", out, scope=scope) == 1
        text = out.read_text(encoding="utf-8-sig")
        assert (A in text, B in text) == (True, False)
    assert registers.export(work, "tasks", out, scope=clerk) == 0
    assert "接轨方案" not in out.read_text(encoding="utf-8-sig")


def test_contacts_are_told_in_full_to_who_reviews_and_to_whose_they_are(work: Workplace, tmp_path: Path):
    enter(work, "contacts", {"单位": A, "联系人": "张三", "邮箱": "zhang@example.invalid"})
    reviewers = (EVERYTHING, Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL})))
    for scope in (*reviewers, Scope(Role.ENTERPRISE, "甲", units=frozenset({A}))):
        assert [row["email"] for row in registers.rows_of(work, "contacts", scope)] == [
            "zhang@example.invalid"
        ]
        assert not registers.is_masked("contacts", scope.role)
    keeper, out = Scope(Role.ADMIN, "管理员"), tmp_path / "联系人.csv"
    (row,) = registers.rows_of(work, "contacts", keeper)
    assert registers.is_masked("contacts", Role.ADMIN)
    assert (row["person"], row["email"], row["unit_code"]) == ("张***", "z***", A)
    assert registers.history_of(work, "contacts", row, keeper) == []
    registers.export(work, "contacts", out, scope=keeper)
    assert "zhang" not in out.read_text(encoding="utf-8-sig")
    # What is masked cannot come back as if it were an address.
    assert not registers.bring(work, "contacts", out, Actor.of(keeper)).accepted


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


def test_what_stood_before_is_kept_with_who_and_when(work: Workplace):
    first, other = Actor("甲", Role.ANALYST), Actor("乙", Role.ANALYST)
    enter(work, "tasks", TASK | {"进度": "10"}, actor=first, on=date(2025, 1, 5))
    enter(work, "tasks", TASK | {"任务编号": "RW02"}, actor=other)
    enter(work, "tasks", TASK | {"进度": "90"}, actor=other)
    enter(work, "tasks", TASK | {"进度": "90"}, actor=first)
    (row, _) = known(work, "tasks")
    found = registers.history_of(work, "tasks", row, EVERYTHING)
    # A second entry of the same content is no change.
    assert [(one.row["progress"], one.actor, one.source) for one in found] == [
        ("90", "乙", "页面录入"), ("10", "甲", "页面录入"),
    ]  # fmt: skip
    assert found[0].recorded_at >= found[1].recorded_at
    assert registers.history_of(work, "tasks", row, Scope(Role.ENTERPRISE, "甲", units=frozenset({A}))) == []


def test_what_was_another_countys_before_stays_its_own(work: Workplace):
    project = {"项目": "改扩建", "年大宗量万吨": "1", "县区": PLAIN}
    enter(work, "projects", project, on=date(2025, 1, 5))
    enter(work, "projects", project | {"县区": COAL})
    (row,) = known(work, "projects")
    county = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
    assert [one.row["county_code"] for one in registers.history_of(work, "projects", row, county)] == [COAL]
    assert len(registers.history_of(work, "projects", row, EVERYTHING)) == 2


def test_an_empty_part_of_a_key_finds_its_rows(work: Workplace):
    """名录: 生效日期 is empty where a unit's first state has no beginning."""
    row = next(row for row in known(work, "registry") if not row["valid_from"])
    (found,) = registers.history_of(work, "registry", row, EVERYTHING)
    assert (found.row, found.source) == (row, "registry.csv")


# --------------------------------------------------------------------------------------- a file from a page


def test_a_file_of_the_page_is_recorded_and_built(work: Workplace, tmp_path: Path, monkeypatch):
    asked: list[Workplace] = []
    monkeypatch.setattr(builds, "answer_later", asked.append)
    file = tmp_path / "事件.csv"
    file.write_text("日期,对象类型,对象,说明\n2025-03-01,通道,朔黄,检修\n", encoding="gb18030")
    assert registers.bring(work, "events", file, CITY).rows == 1
    with reading(work.ledger) as connection:
        assert (asked, jobs.open_requests(connection)) == ([work], 1)
    file.write_text("日期,对象类型,对象,说明\n2025-03-01,通道,朔黄,检修\n三月,通道,无,x\n", encoding="utf-8")
    done = registers.bring(work, "events", file, CITY)
    assert (done.accepted, {(f.row, f.column) for f in done.findings}) == (False, {(3, "日期"), (3, "对象")})
    assert len(known(work, "events")) == len(asked) == 1


def test_a_file_of_who_may_not_write_is_not_even_kept(work: Workplace, tmp_path: Path):
    file, before = tmp_path / "任务.csv", len(list((work.home / "uploads").rglob("*")))
    file.write_text("任务编号\n", encoding="utf-8")
    assert before
    with pytest.raises(NotAllowed, match="领导不能登记重点任务"):
        registers.bring(work, "tasks", file, Actor("市政府", Role.LEADER))
    assert len(list((work.home / "uploads").rglob("*"))) == before


def test_a_table_that_exhausts_its_reader_is_refused(work: Workplace, tmp_path: Path, monkeypatch):
    """The reader is a process of its own: where it dies, the page and the ledger go on."""
    monkeypatch.setattr(pipeline, "in_child", lambda *asked: None)
    file = tmp_path / "任务.csv"
    file.write_text("任务编号,措施,任务,责任单位\nRW01,五,x,y\n", encoding="utf-8")
    done = registers.bring(work, "tasks", file, CITY)
    assert (done.accepted, done.rows, [f.code for f in done.findings]) == (False, 0, ["S009"])
    assert known(work, "tasks") == []


# --------------------------------------------------------------------------------------------- row by row


def test_a_row_is_checked_as_a_file_is(work: Workplace):
    done = enter(work, "tasks", TASK, TASK | {"任务编号": "RW02", "措施": "（二）"})
    assert (done.accepted, done.rows, [f.code for f in done.findings]) == (False, 0, ["T006"])
    assert known(work, "tasks") == []
    assert enter(work, "tasks", TASK).rows == 1
    with reading(work.ledger) as connection:
        assert audit.broken(connection) == []


def test_a_row_of_totals_is_not_recorded_as_nothing(work: Workplace):
    """A file's row of totals is passed over; a row that is typed was meant."""
    done = enter(work, "tasks", TASK | {"任务": "本年合计"})
    assert (done.accepted, done.rows, [f.code for f in done.findings]) == (False, 0, ["T020"])
    assert known(work, "tasks") == []
    # Where nothing has to stand it is a text like any other.
    assert enter(work, "tasks", TASK | {"进展": "全年合计"}).accepted
    assert [row["note"] for row in known(work, "tasks")] == ["全年合计"]


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
