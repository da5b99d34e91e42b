"""Returns against station lists: what is compared, what is let pass, and how a difference is closed.

A sends 900 t of coal from 宁武西 in January and 700 t in February; B and C share a code. By default 2 % pass.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from etl import mirror, pipeline, registers
from etl.ledger.mirror import Compared, Matter
from etl.ledger.schema import open_ledger
from etl.mirror import NoSuchDifference
from etl.periods import month_of
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import CITY, Actor, NotAllowed, Role
from etl.warehouse.scope import EVERYTHING, Scope

from . import story
from .command import DATA, Desk
from .demonstration import demonstration
from .story import COAL, GROUP, NAMES, PLAIN, A, B, C, P

STATION = "宁武西"
RAILWAY = Actor("原平车务段", Role.RAILWAY)
CLERK = Actor("填报人", Role.ENTERPRISE, units=frozenset({A}))


def sent(unit: str, month: str, tonnes: object, **changes: object) -> list[object]:
    return story.row(unit, month, "铁路", tonnes, **{"起点": STATION, **changes})


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Workplace:
    monkeypatch.setenv("RAILSHIFT_TODAY", "2025-03-12")
    story.write_files(tmp_path / "files")
    work = Workplace(tmp_path / "home", open_ledger(tmp_path / "home"), load_declared(DATA))
    registry = tmp_path / "files" / "registry.csv"
    assert pipeline.import_table(work, "registry", registry, recorded_on=date(2025, 3, 1)).accepted
    return work


def load(work: Workplace, *rows: list[object]) -> None:
    file = work.home / "月报.csv"
    file.write_text(story.csv_text(list(rows)), encoding="utf-8")
    for loaded in pipeline.load(work, [file]):
        assert not loaded.check.refused


def train(shipper: str, tonnes: str, month: str = "2025-01", **changes: str) -> dict[str, str]:
    row = {
        "月份": month,
        "车站": STATION,
        "托运人": shipper,
        "货类": "煤炭",
        "方向": "发运",
        "运量吨": tonnes,
    }
    return row | changes


def listed(work: Workplace, *rows: dict[str, str]) -> None:
    assert registers.enter(work, "station_list", rows, RAILWAY).accepted


def shown(work: Workplace) -> list[tuple[str, str, D, D, bool]]:
    return [
        (one.party, one.commodity, one.unit_tonnes, one.station_tonnes, one.is_different)
        for one in mirror.compare(work)
    ]


# ------------------------------------------------------------------------------------- what is compared


@pytest.mark.parametrize(
    "tonnes, passes", [("882", True), ("881.999", False), ("900", True), ("918.3", True)]
)
def test_the_railways_day_is_let_pass(work: Workplace, tonnes: str, passes: bool):
    """2 % of the larger: 900 against 882 is just in, and 918.367… would be the other bound."""
    load(work, sent(A, "2025-01", "900"))
    listed(work, train(A, tonnes))
    assert shown(work) == [(A, "煤炭", D(900), D(tonnes), not passes)]


def test_a_unit_whose_month_ends_on_the_25th_has_a_wider_bound(work: Workplace):
    load(work, sent(A, "2025-01", "900"))
    listed(work, train(A, "720"))
    assert shown(work)[0][-1] is True
    shifted = {
        "统一社会信用代码": A,
        "企业名称": NAMES[A],
        "县区代码": COAL,
        "单位类型": "工矿企业",
        "大型": "是",
    }
    done = registers.read_rows(
        [shifted | {"报告期": "26—25日", "应报起": "2025-01"}], "registry", work.declared
    )
    with work.ledger.begin() as connection:
        registers.tables.enter(connection, "registry", done[0], work.today, "x", CITY)
    assert shown(work)[0][-1] is False


def test_only_what_both_sides_speak_of(work: Workplace):
    """No list for the other station or month, no return of B, coming in, by road: nothing is compared."""
    load(
        work,
        sent(A, "2025-01", "900"),
        sent(A, "2025-01", "30", 起点="原平"),
        sent(A, "2025-01", "40", 方向="到达"),
        story.row(A, "2025-01", "公路", "50", 起点=STATION),
        sent(A, "2025-02", "700"),
    )
    listed(work, train(A, "900"), train(P, "77"), train(A, "5", 方向="到达"))
    assert shown(work) == [(A, "煤炭", D(900), D(900), False)]


def test_a_side_that_has_nothing_counts_as_nothing(work: Workplace):
    load(work, sent(A, "2025-01", "900"), sent(A, "2025-01", "80", 货类="焦炭"), story.zero(P, "2025-01"))
    listed(work, train(A, "900"), train(P, "60"))
    assert shown(work) == [
        (A, "焦炭", D(80), D(0), True), (A, "煤炭", D(900), D(900), False), (P, "煤炭", D(0), D(60), True),
    ]  # fmt: skip


def test_where_every_return_is_a_month_without_traffic(work: Workplace):
    load(work, story.zero(A, "2025-01"))
    listed(work, train(A, "60"))
    assert shown(work) == [(A, "煤炭", D(0), D(60), True)]


def test_a_parks_train_is_its_owners(work: Workplace):
    """The station has A's goods under A; the park tells them too, with A beside."""
    load(
        work,
        sent(A, "2025-01", "900"),
        sent(P, "2025-01", "300", 对方单位=NAMES[A]),
        sent(P, "2025-01", "20"),
    )
    listed(work, train(A, "900"), train(P, "20"))
    assert shown(work) == [(A, "煤炭", D(900), D(900), False), (P, "煤炭", D(20), D(20), False)]


def test_units_that_share_a_code_answer_together(work: Workplace):
    """The list knows the code only; where it names the unit, that unit answers alone."""
    load(work, sent(B, "2025-01", "100"), sent(C, "2025-01", "50"))
    listed(work, train(B, "100"), train(C, "40"))
    assert shown(work) == [(B, "煤炭", D(100), D(100), False), (C, "煤炭", D(50), D(40), True)]
    with work.ledger.begin() as connection:
        rows, _ = registers.read_rows([train(GROUP, "150")], "station_list", work.declared)
        registers.tables.bring(connection, "station_list", rows, work.today, "x.csv", RAILWAY)
    assert shown(work) == [(GROUP, "煤炭", D(150), D(150), False)]


def test_together_they_wait_for_the_last_return(work: Workplace):
    load(work, sent(B, "2025-01", "100"))
    listed(work, train(GROUP, "150"))
    assert shown(work) == []
    load(work, story.zero(C, "2025-01"))
    assert shown(work) == [(GROUP, "煤炭", D(100), D(150), True)]


# -------------------------------------------------------------------------------------- how it is closed


def only(work: Workplace, scope: Scope = EVERYTHING):
    (one,) = mirror.differences(work, scope)
    return one


def test_a_difference_is_a_task_until_both_agree(work: Workplace):
    load(work, sent(A, "2025-01", "900"))
    listed(work, train(A, "700"))
    one = only(work)
    assert (one.state, one.unit_tonnes, one.station_tonnes) == (Matter.OPEN, D(900), D(700))
    assert mirror.refresh(work) == {"opened": 0, "reopened": 0, "agreed": 0}
    listed(work, train(A, "900"))
    assert (only(work).state, only(work).station_tonnes) == (Matter.AGREED, D(900))
    listed(work, train(A, "600"))
    assert only(work).state is Matter.OPEN


def test_an_explained_one_stays_closed_until_its_tonnes_change(work: Workplace):
    load(work, sent(A, "2025-01", "900"))
    listed(work, train(A, "700"))
    id_ = only(work).mirror_id
    mirror.explain(work, id_, "月末两列跨月", CLERK)
    mirror.explain(work, id_, "属实", RAILWAY)
    one = only(work)
    assert one.state is Matter.EXPLAINED
    assert [(note.side, note.text) for note in one.notes] == [("企业", "月末两列跨月"), ("铁路", "属实")]
    mirror.refresh(work)
    assert only(work).state is Matter.EXPLAINED
    listed(work, train(A, "650"))
    assert (only(work).state, len(only(work).notes)) == (Matter.OPEN, 2)


def test_what_both_have_taken_back_is_agreed(work: Workplace):
    load(work, sent(A, "2025-01", "900"), sent(A, "2025-01", "80", 货类="焦炭"))
    listed(work, train(A, "900"))
    assert (only(work).commodity, only(work).state) == ("焦炭", Matter.OPEN)
    load(work, sent(A, "2025-01", "900"))
    mirror.refresh(work)
    assert (only(work).state, only(work).unit_tonnes) == (Matter.AGREED, 0)


def test_whom_it_concerns(work: Workplace):
    load(work, sent(A, "2025-01", "900"), sent(B, "2025-01", "10"), story.zero(C, "2025-01"))
    listed(work, train(A, "700"), train(GROUP, "50"))
    seen = {
        label: {one.party for one in mirror.differences(work, Scope(role, label, counties, units))}
        for label, role, counties, units in (
            ("甲", Role.ENTERPRISE, None, frozenset({A})), ("乙", Role.ENTERPRISE, None, frozenset({B})),
            ("园", Role.ENTERPRISE, None, frozenset({P})), ("宁武", Role.COUNTY, frozenset({COAL}), None),
            ("原平", Role.COUNTY, frozenset({PLAIN}), None), ("段", Role.RAILWAY, None, None),
            ("局", Role.DEPARTMENT, None, None),
        )
    }  # fmt: skip
    assert seen == {
        "甲": {A}, "乙": {GROUP}, "园": set(), "宁武": {A, GROUP}, "原平": {GROUP}, "段": {A, GROUP}, "局": set(),
    }  # fmt: skip
    id_ = next(one.mirror_id for one in mirror.differences(work, EVERYTHING) if one.party == GROUP)
    with pytest.raises(NoSuchDifference, match="没有编号"):
        mirror.explain(work, id_, "x", CLERK)
    with pytest.raises(NoSuchDifference, match="写明"):
        mirror.explain(work, id_, " ", RAILWAY)
    with pytest.raises(NotAllowed):
        mirror.explain(work, id_, "x", Actor("领导", Role.LEADER))
    with pytest.raises(NotAllowed):
        mirror.explain(work, id_, "x", replace(CLERK, role=Role.DEPARTMENT, units=None))
    mirror.explain(work, id_, "x", replace(CLERK, units=frozenset({C})))


def test_the_demonstration_has_open_ones_and_one_that_both_sides_explained():
    desk = demonstration()
    run = desk.run("mirror", "list", "--json").json["differences"]
    assert sorted((one["month"], one["state"], len(one["notes"])) for one in run) == [
        ("2026-08", "已说明", 2),
        ("2026-08", "待核对", 0),
        ("2026-09", "待核对", 0),
    ]
    assert len({one["party"] for one in run}) == 3
    assert "待核对" in desk.run("mirror", "list").out
    assert desk.run("mirror", "check", "--json").json == {"opened": 0, "reopened": 0, "agreed": 0}


def test_by_the_command_line(tmp_path: Path):
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"))
    files = tmp_path / "files"
    story.write_files(files)
    story.import_tables(desk, files)
    (files / "月报.csv").write_text(story.csv_text([sent(A, "2025-01", "900")]), encoding="utf-8")
    assert desk.run("load", files / "月报.csv").code == 0
    cells = train(A, "700")
    (files / "清单.csv").write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")
    assert desk.run("station-list", "import", files / "清单.csv").code == 0
    assert (
        f"1  {NAMES[A]} 2025年1月 {STATION} 煤炭：月报900吨，清单700吨，待核对。"
        in desk.run("mirror", "list").out
    )
    assert desk.run("mirror", "explain", 1, "--text", "跨月").code == 0
    assert "审核 市级审核人：跨月" in desk.run("mirror", "list").out
    missing = desk.run("mirror", "explain", 9, "--text", "x")
    assert (missing.code, "没有编号为9的核对事项" in missing.err) == (1, True)


def test_what_is_compared_has_its_type(work: Workplace):
    load(work, sent(A, "2025-01", "900"))
    listed(work, train(A, "700.5"))
    assert mirror.compare(work) == [
        Compared(month_of("2025-01"), A, STATION, "煤炭", D("900.000"), D("700.500"), is_different=True)
    ]
