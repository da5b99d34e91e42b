"""Who reviews what, what an acceptance would do, locking and amending: by the command line, two offices at once.

As in test_submit: A's January is accepted and published, 900 t by rail and 100 t by road; February is 700 and 100.
A's county is 宁武县 (140925). Under K2 and K3 alike A alone counts.
"""

from __future__ import annotations

import shutil
from fractions import Fraction as F
from pathlib import Path

import pytest

from etl.ledger import audit
from etl.ledger.schema import open_ledger, reading

from . import story
from .command import Desk
from .story import RECEIVED, A
from .test_submit import FEBRUARY, JANUARY, number, share, states, waiting, write

HERE, ELSEWHERE = "宁武县", "原平市"


@pytest.fixture(scope="module")
def january(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Desk:
    """The city with A's January published, its plan with the county review on."""
    base = tmp_path_factory.mktemp("review")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    plan = desk.data / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("county_review = false", "county_review = true"), encoding="utf-8")
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    assert desk.run("load", write(base / "january.csv", JANUARY), "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    return desk


@pytest.fixture
def desk(january: Desk, tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    shutil.copytree(january.home, home)
    return Desk(home, january.data)


def by_hand(desk: Desk, id_: int) -> list[tuple[str, str]]:
    """State and actor of each step."""
    run = desk.run("review", "history", id_, "--json")
    return [(step["state"], step["actor"]) for step in run.json["steps"]]


def test_the_county_reviews_first_and_then_the_city(desk: Desk, tmp_path: Path):
    """Upload → first review → sent back → corrected → first review → city → 通过: who did it stands at each step."""
    id_ = number(desk.run("submit", write(tmp_path / "一.csv", FEBRUARY[:1]), "--json"))
    (one,) = waiting(desk)
    assert (one["county_code"], one["waits_for"]) == ("140925", "县区")
    for command in (("approve", id_), ("return", id_, "--reason", "x"), ("start", id_)):
        run = desk.run("review", *command)
        assert (run.code, "尚未经县级初审，请先由县级审核人办理" in run.err) == (1, True)
    back = desk.run("review", "return", id_, "--reason", "公路漏报", "--county", HERE, "--json")
    assert back.json["state"] == "退回"
    assert number(desk.run("submit", write(tmp_path / "二.csv", FEBRUARY), "--json")) == id_
    passed = desk.run("review", "approve", id_, "--county", HERE, "--reason", "已核对", "--json")
    assert (passed.json["state"], passed.json["snapshot"]) == ("市级审核", None)
    assert waiting(desk)[0]["waits_for"] == "分析"
    assert share(desk) == F(900, 1000)
    too_late = desk.run("review", "return", id_, "--reason", "x", "--county", HERE)
    assert (too_late.code, "已转市级审核" in too_late.err) == (1, True)
    assert desk.run("review", "approve", id_).code == 0
    assert share(desk) == F(1600, 1800)
    county, city, unit = f"{HERE}审核人", "市级审核人", "填报单位"
    assert by_hand(desk, id_) == [
        ("暂存", unit), ("已上报", unit), ("县级初审", county), ("退回", county),
        ("暂存", unit), ("已上报", unit), ("县级初审", county), ("市级审核", county), ("通过", city),
    ]  # fmt: skip
    assert states(desk, id_)[-2] == ("市级审核", "已核对")
    assert "公路漏报" in desk.run("review", "history", id_).out


def test_a_county_reviews_its_own_units_only(desk: Desk, tmp_path: Path):
    id_ = number(desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY), "--json"))
    assert desk.run("review", "list", "--county", ELSEWHERE, "--json").json["submissions"] == []
    assert len(desk.run("review", "list", "--county", "140925", "--json").json["submissions"]) == 1
    for command in (("approve", id_), ("return", id_, "--reason", "x"), ("start", id_)):
        run = desk.run("review", *command, "--county", ELSEWHERE)
        assert (run.code, "不属于本县区" in run.err) == (1, True)
    assert [state for state, _ in states(desk, id_)] == ["暂存", "已上报"]
    assert desk.run("review", "list", "--county", "没有县").code == 2


def test_a_review_that_has_begun_holds_the_return(desk: Desk, tmp_path: Path):
    file = write(tmp_path / "二月.csv", FEBRUARY)
    id_ = number(desk.run("submit", file, "--json"))
    assert desk.run("review", "start", id_, "--county", HERE, "--json").json["state"] == "县级初审"
    refused = desk.run("submit", write(tmp_path / "另.csv", FEBRUARY[:1]), "--reason", "x")
    assert (refused.code, "正在县级初审，不能替换" in refused.err) == (1, True)
    again = desk.run("review", "start", id_, "--county", HERE)
    assert (again.code, "不能改为" in again.err) == (1, True)
    assert desk.run("review", "approve", id_, "--county", HERE).code == 0
    assert [state for state, _ in states(desk, id_)] == ["暂存", "已上报", "县级初审", "市级审核"]


def test_without_the_county_review_the_county_decides_nothing(desk: Desk, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(desk.data, data)
    plan = data / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("county_review = true", "county_review = false"), encoding="utf-8")
    city = Desk(desk.home, data)
    begun = number(desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY), "--json"))
    assert desk.run("review", "start", begun, "--county", HERE).code == 0
    run = city.run("review", "approve", begun, "--county", HERE)
    assert (run.code, "未启用县级初审" in run.err) == (1, True)
    assert city.run("review", "approve", begun).code == 0
    assert [state for state, _ in states(city, begun)] == ["暂存", "已上报", "县级初审", "市级审核", "通过"]


def test_locked_and_amended_with_its_effect_before_and_after(desk: Desk, tmp_path: Path):
    """January locked. 400 t of 1000 by rail, not 900: 90.0 % → 40.0 %, known before it is accepted, kept after."""
    locked = desk.run("review", "lock", "--month", "2025-01", "--json")
    assert [one["unit_code"] for one in locked.json["locked"]] == [A]
    assert desk.run("review", "lock", "--month", "2025-01", "--json").json["locked"] == []
    rows = [story.row(A, "2025-01", "铁路", "400"), story.row(A, "2025-01", "公路", "600")]
    file = write(tmp_path / "更正.csv", rows)
    assert "须写明原因" in desk.run("submit", file).err
    id_ = number(desk.run("submit", file, "--reason", "方式填错", "--json"))
    published = sorted((desk.home / "warehouse").iterdir())
    effect = desk.run("review", "effect", id_, "--json").json
    assert sorted((desk.home / "warehouse").iterdir()) == published
    changed = {(c["id"], c["object"]): c for c in effect["changes"] if c["changed"] and c["through"] == 2}
    assert set(changed) == {(k, o) for k in ("K2", "K3") for o in ("全市", "140925", A)}
    before, after = (changed["K2", "140925"][side] for side in ("before", "after"))
    assert (before["value"], after["value"]) == ("0.9", "0.4")
    assert (before["gap"], after["gap"]) == ("0", "500")
    assert "2025年1—2月演示一号煤业有限公司中长距离煤焦铁路占比：90.0% → 40.0%，缺口无 → 0.05万吨，" in (
        "".join(effect["sentences"])
    )
    (k1,) = [c for c in effect["changes"] if c["id"] == "K1" and c["through"] == 2]
    assert (k1["changed"], k1["before"]["value"]) == (False, k1["after"]["value"])
    assert effect["sentences"] == desk.run("review", "effect", id_).out.splitlines()
    assert share(desk) == F(9, 10)

    assert desk.run("review", "approve", id_, "--county", HERE).code == 0
    assert desk.run("review", "approve", id_).code == 0
    assert share(desk) == F(400, 1000)
    with reading(open_ledger(desk.home)) as connection:
        kept = connection.exec_driver_sql("select submission_id, sentences from amendment_effect").all()
        old = connection.exec_driver_sql(
            "select version, state, tonnes, reason from submission order by version"
        ).all()
        assert audit.broken(connection) == []
    assert [one[0] for one in kept] == [id_]
    assert "90.0% → 40.0%" in str(kept[0][1])
    assert [row[:2] for row in old] == [
        (1, "锁定"), (2, "通过"),
    ]  # fmt: skip
    done = desk.run("review", "effect", id_)
    assert (done.code, "其影响已计入" in done.err) == (1, True)


def test_an_amendment_that_moves_nothing_says_so(desk: Desk, tmp_path: Path):
    rows = [JANUARY[0], story.row(A, "2025-01", "公路", "100", 备注="补充说明")]
    id_ = number(desk.run("submit", write(tmp_path / "注.csv", rows), "--reason", "补说明", "--json"))
    assert desk.run("review", "effect", id_).out.splitlines() == ["不改变已公布的数值、差额和结论。"]
    unknown = desk.run("review", "effect", 99)
    assert (unknown.code, "没有编号为99的报表" in unknown.err) == (1, True)


def test_locking_says_what_is_still_open(desk: Desk, tmp_path: Path):
    number(desk.run("submit", write(tmp_path / "二月.csv", FEBRUARY), "--json"))
    run = desk.run("review", "lock", "--month", "2025-02")
    assert run.out.splitlines() == [f"未锁定：{story.NAMES[A]}，已上报。", "2025年2月：已锁定0份。"]
    missing = desk.run("review", "history", 99)
    assert (missing.code, "没有编号为99的报表" in missing.err) == (1, True)
