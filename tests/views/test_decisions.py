"""What a reviewer's act does where something came between reading and deciding, and what a case shows to whom."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from flow import story
from flow.command import Desk as CommandDesk
from flow.story import COAL, NAMES, PLAIN, RECEIVED, A, B, C

from dashboard import decisions
from dashboard import desk as desks
from dashboard.decisions import APPROVE, LOCK, SEND_BACK, TAKE_UP, Decisions
from etl import builds, casefile, filing
from etl.ledger.review import Waiting
from etl.ledger.submissions import State
from etl.pipeline import Workplace
from etl.warehouse.scope import NotVisible, Role, Scope

CITY = Scope(Role.ANALYST, "市交通运输局")
OTHER = Scope(Role.ANALYST, "市局二科")
HERE = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
ELSEWHERE = Scope(Role.COUNTY, "原平市", counties=frozenset({PLAIN}))
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
ROWS_OF_JANUARY, ROWS = story.ROWS_OF_A[:2], story.ROWS_OF_A[2:]


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, CommandDesk]:
    """A home in which A and B have January accepted; its declared data with and without the county review."""
    base = tmp_path_factory.mktemp("decisions")
    off, on = story.declared_data(base / "off"), story.declared_data(base / "on")
    plan = on / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("county_review = false", "county_review = true"), encoding="utf-8")
    desk = CommandDesk(base / "home", off)
    story.write_files(base / "files")
    january = base / "january.csv"
    january.write_text(story.csv_text(ROWS_OF_JANUARY), encoding="utf-8")
    for run in (
        desk.run("init"),
        *story.import_tables(desk, base / "files").values(),
        desk.run("load", january, base / "files" / "bc.csv", "--received", RECEIVED),
    ):
        assert run.code == 0, run.err
    return {False: desk, True: CommandDesk(desk.home, on)}


@pytest.fixture(params=[False])
def work(
    request: pytest.FixtureRequest,
    cities: dict[bool, CommandDesk],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Workplace:
    """Parametrize indirectly with True to have the county review on."""
    city = cities[request.param]
    home = shutil.copytree(city.home, tmp_path / "home")
    for name, value in CommandDesk(home, city.data, city.today).environment.items():
        monkeypatch.setenv(name, value)
    # What is published is the build's own affair (tests/flow/test_publishing.py).
    monkeypatch.setattr(builds, "answer_later", lambda _work: None)
    return desks.workplace()


def send(work: Workplace, tmp_path: Path, rows: Sequence[list[object]], reason: str = "") -> int:
    file = tmp_path / "月报.csv"
    file.write_text(story.csv_text(list(rows)), encoding="utf-8")
    filed = filing.submit(
        work, file, reason=reason, explained=dict.fromkeys(("I007", "H003", "C005"), "演示")
    )
    assert filed.accepted, filed.check.findings
    return filed.receipts[0].submission_id


def only(work: Workplace, scope: Scope = CITY) -> Waiting:
    (one,) = decisions.waiting(work, scope)
    return one


def act(work: Workplace, desk: Decisions, name: str, *shown: Waiting, words: str = "") -> str:
    """Ask and do, as a click does; gives what went wrong."""
    desk.ask(name, desk.serial, shown, words)
    decisions.run(work, desk, "v1")
    return desk.trouble.what if desk.trouble else ""


def state(work: Workplace, number: int) -> State:
    return filing.history(work, number)[-1].after


def test_what_its_sender_has_replaced_since_is_not_passed(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    read = only(work)
    assert send(work, tmp_path, ROWS[:1]) == number
    desk = Decisions(CITY)
    for name in (APPROVE, TAKE_UP, SEND_BACK):
        assert act(work, desk, name, read, words="x").startswith(f"编号{number}的报表刚刚由填报单位重新上报")
        assert state(work, number) is State.已上报
    assert act(work, desk, APPROVE, only(work)) == ""
    assert (state(work, number), decisions.waiting(work, CITY)) == (State.通过, [])


def test_what_another_has_decided_is_not_decided_again(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    read, first, second = only(work), Decisions(CITY), Decisions(OTHER)
    second.opened = number
    assert act(work, first, APPROVE, read) == ""
    assert f"已通过：{NAMES[A]}2025年2月月报（编号{number}）" in first.said
    trouble = act(work, second, SEND_BACK, read, words="有误")
    assert trouble.startswith(f"编号{number}的报表已由市交通运输局改为“通过”（")
    # It stays before the second one, who sees what became of it.
    assert (state(work, number), second.opened, second.said) == (State.通过, number, "")


def test_what_another_has_taken_up_can_be_decided(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    read = only(work)
    assert act(work, Decisions(OTHER), TAKE_UP, read) == ""
    assert act(work, Decisions(CITY), APPROVE, read) == ""
    assert state(work, number) is State.通过


def test_a_second_click_does_nothing(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    read, desk = only(work), Decisions(CITY)
    desk.ask(SEND_BACK, 0, (read,), "第2行：运量有误")
    decisions.run(work, desk, "v1")
    said = desk.said
    desk.ask(SEND_BACK, 0, (read,), "第2行：运量有误")
    decisions.run(work, desk, "v1")
    assert (desk.said, desk.trouble, state(work, number)) == (said, None, State.退回)
    assert [step.after for step in filing.history(work, number)].count(State.退回) == 1


def test_without_a_reason_nothing_is_sent_back(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    assert "退回须写明原因" in act(work, Decisions(CITY), SEND_BACK, only(work), words=" ")
    assert state(work, number) is State.已上报


def test_several_are_passed_together_or_not_at_all(work: Workplace, tmp_path: Path) -> None:
    send(work, tmp_path, ROWS)
    send(work, tmp_path, [story.row(B, "2025-02", "铁路", "200", 方向="到达", 通道="京原")])
    both = decisions.waiting(work, CITY)
    desk = Decisions(CITY, picked={one.submission_id for one in both})
    filing.approve(work, [both[1].submission_id], wait=False)
    assert f"编号{both[1].submission_id}的报表已由市级审核人改为“通过”" in act(work, desk, APPROVE, *both)
    assert only(work).state is State.已上报
    assert act(work, desk, APPROVE, only(work)) == ""
    assert desk.picked == {both[1].submission_id}
    assert decisions.waiting_sentence(decisions.waiting(work, CITY), work.today) == "目前没有待审核的月报。"


def test_the_effect_that_was_shown_is_kept(work: Workplace, tmp_path: Path) -> None:
    rows = [story.row(A, "2025-01", "铁路", "400"), story.row(A, "2025-01", "公路", "600")]
    number = send(work, tmp_path, rows, "方式填错")
    desk, one = Decisions(CITY), only(work)
    assert decisions.amendments([one]) == (one,)
    assert decisions.known_effect(desk, (one,), "v1") is None
    effect = decisions.work_out_effect(work, desk, (one,), "v1")
    assert effect is not None
    assert decisions.known_effect(desk, (one,), "v1") is effect
    # Of another published version, or of another content, it is worked out anew.
    assert decisions.known_effect(desk, (one,), "v2") is None
    assert act(work, desk, APPROVE, one) == ""
    (kept,) = filing.revisions(work)
    assert (kept.submission_id, list(kept.sentences)) == (number, effect.sentences())
    assert "→" in "".join(kept.sentences)


def test_of_what_is_accepted_together_each_keeps_its_own_county(work: Workplace, tmp_path: Path) -> None:
    """A is of 宁武县, B of 原平市; the city's change is that of both, and both carry the same moment."""
    send(work, tmp_path, [story.row(A, "2025-01", "铁路", "400"), ROWS_OF_JANUARY[1]], "方式填错")
    send(work, tmp_path, [story.row(B, "2025-01", "公路", "900", 通道="京原")], "方式填错")
    both, desk = decisions.waiting(work, CITY), Decisions(CITY)
    assert decisions.work_out_effect(work, desk, both, "v1") is not None
    assert act(work, desk, APPROVE, *both) == ""
    of_b, of_a = filing.revisions(work)
    objects = [{one["object"] for one in each.changes} - {"全市"} for each in (of_a, of_b)]
    assert objects == [{A, COAL}, {B, PLAIN}]
    assert of_a.recorded_at == of_b.recorded_at


def test_a_month_is_locked_and_what_is_not_accepted_is_said(work: Workplace, tmp_path: Path) -> None:
    send(work, tmp_path, ROWS)
    desk = Decisions(CITY)
    desk.ask(LOCK, 0, month=FEBRUARY)
    decisions.run(work, desk, "v1")
    assert desk.said == "2025年2月：已锁定1件，未锁定1件（尚未通过）。此后改动须按更正办理。"
    refused = Decisions(HERE)
    refused.ask(LOCK, 0, month=JANUARY)
    decisions.run(work, refused, "v1")
    assert refused.trouble is not None
    assert "锁定由市级审核人办理" in refused.trouble.what


def test_without_the_county_review_a_county_only_reads(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    one = only(work, HERE)
    assert not decisions.is_mine(one, HERE, county_review=False)
    assert decisions.is_mine(one, CITY, county_review=False)
    assert decisions.awaits(one, county_review=False) == "待市级审核"
    assert "未启用县级初审" in act(work, Decisions(HERE), APPROVE, one)
    assert state(work, number) is State.已上报
    act(work, Decisions(CITY), TAKE_UP, one)
    assert decisions.awaits(only(work), county_review=False) == "市级审核中"


@pytest.mark.parametrize("work", [True], indirect=True)
def test_with_it_the_county_comes_first(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    one = only(work)
    said = decisions.waiting_sentence([one], work.today)
    assert said == "待县级初审1件，都是今天收到的。"
    assert (decisions.is_mine(one, CITY, True), decisions.is_mine(one, HERE, True)) == (False, True)
    assert "尚未经县级初审" in act(work, Decisions(CITY), APPROVE, one)
    desk = Decisions(HERE)
    assert act(work, desk, TAKE_UP, one) == ""
    assert decisions.awaits(only(work), county_review=True) == "县级初审中"
    assert act(work, desk, APPROVE, only(work), words="已核对") == ""
    assert "由市级审核人接着审核" in desk.said
    passed = only(work, HERE)
    assert (passed.state, decisions.awaits(passed, True)) == (State.市级审核, "待市级审核")
    assert not decisions.is_mine(passed, HERE, True)
    assert f"编号{number}的报表已由宁武县改为“市级审核”" in act(work, desk, APPROVE, one)
    assert filing.history(work, number)[-1].reason == "已核对"


def test_a_case_is_open_to_its_county_alone(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, ROWS)
    case = casefile.case(work, number, HERE.counties)
    assert (case.name, case.county_code, len(case.rows)) == (NAMES[A], COAL, len(ROWS))
    assert decisions.waiting(work, ELSEWHERE) == []
    with pytest.raises(NotVisible):
        casefile.case(work, number, ELSEWHERE.counties)


def test_of_a_file_of_several_units_a_case_shows_its_own_findings(work: Workplace, tmp_path: Path) -> None:
    """B's name is written otherwise than in the registry: C's reviewer does not read that."""
    other = story.row(B, "2025-02", "铁路", "200", 方向="到达", 通道="京原", 企业名称="演示集团一号矿")
    file = tmp_path / "集团.csv"
    rows = [other, story.row(C, "2025-02", "公路", "30", 通道="同蒲")]
    file.write_text(story.csv_text(rows), encoding="utf-8")
    filed = filing.submit(work, file, explained={"I007": "改名未换证", "H003": "演示"}, reason="演示")
    numbers = {one.unit_code: one.submission_id for one in filed.receipts}
    of_b, of_c = (casefile.case(work, numbers[unit]) for unit in (B, C))
    assert of_b.is_shared
    assert of_b.check.totals == {"I007": 1}
    assert [found.row for found in of_b.check.findings] == [2]
    assert (of_c.check.totals, list(of_c.rows)) == ({}, [3])


def test_a_correction_is_compared_with_what_counts(work: Workplace, tmp_path: Path) -> None:
    number = send(work, tmp_path, [story.row(A, "2025-01", "铁路", "400")], "方式填错")
    preview = casefile.changes(work, casefile.case(work, number).sent)
    assert preview.previous == 1
    assert [(row.kind.value, row.tonnes) for row in preview.rows] == [("修改", 400), ("删除", 100)]
