"""The life of a submission: steps, versions, bulk acceptance, looking back."""

from __future__ import annotations

import hashlib
import multiprocessing
from datetime import date
from decimal import Decimal
from itertools import pairwise
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from etl.intake.check import CheckResult, UnitMonth
from etl.intake.finding import Finding
from etl.ledger import audit, schema, submissions
from etl.ledger.schema import open_ledger, reading
from etl.ledger.submissions import LIFE, BatchOutcome, State, TransitionRefused

MARCH = date(2025, 3, 1)
MAY_DAY = date(2025, 5, 8)
CLERK, STAFF = "张三", "李四"


def unit_month(unit="U1", month=MARCH, content="一", is_zero=False) -> UnitMonth:
    return UnitMonth(
        unit_code=unit, month=month, rows=0 if is_zero else 3, tonnes=Decimal("1234.567"), is_zero=is_zero,
        content_hash=content, rows_file=f"rows/{content}.parquet",
    )  # fmt: skip


pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", "2025-04-08")


@pytest.fixture
def ledger(tmp_path) -> sa.Engine:
    return open_ledger(tmp_path)


@pytest.fixture
def file_id(ledger, tmp_path) -> int:
    return keep(ledger, tmp_path, "三月.csv", "月份,运量吨\n").file_id


def keep(ledger, home: Path, name: str, text: str, mapping: str | None = None):
    source = home / "incoming" / name
    source.parent.mkdir(exist_ok=True)
    source.write_text(text, encoding="utf-8")
    with ledger.begin() as conn:
        return submissions.keep_file(conn, home, source, mapping)


def hand_in(conn, file_id: int, content: str, day: date, reason: str = "") -> int:
    number = submissions.submit(conn, file_id, unit_month(content=content), day, CLERK, reason)
    assert number is not None
    return number


def draft(conn, file_id: int, unit: str = "U1") -> int:
    number = submissions.save_draft(conn, file_id, unit_month(unit), CLERK)
    assert number is not None
    return number


def accepted(ledger, day: date) -> list[dict]:
    with reading(ledger) as conn:
        return submissions.accepted_as_of(conn, day).to_pylist()


def standing(ledger, day: date) -> list[dict]:
    with reading(ledger) as conn:
        return submissions.submissions_as_of(conn, day).to_pylist()


def steps(ledger, submission_id: int) -> list[tuple]:
    with reading(ledger) as conn:
        return [(s.before, s.after, s.reason) for s in submissions.history(conn, submission_id)]


# --------------------------------------------------------------------------------------------- files


def test_a_file_is_kept_unchanged_under_its_hash(ledger, tmp_path):
    kept = keep(ledger, tmp_path, "三月.csv", "月份\r\n不改一字")
    content = (tmp_path / "incoming" / "三月.csv").read_bytes()
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert kept.path == tmp_path / "uploads" / kept.sha256[:2] / kept.sha256
    assert kept.path.read_bytes() == content
    assert [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()] == [kept.path]


def test_the_same_bytes_are_one_file_and_another_mapping_is_another(ledger, tmp_path):
    first = keep(ledger, tmp_path, "a.csv", "同")
    assert keep(ledger, tmp_path, "b.csv", "同") == first
    mapped = keep(ledger, tmp_path, "a.csv", "同", "header = true")
    assert mapped.file_id != first.file_id
    assert mapped.path == first.path


def test_what_a_check_found_is_kept_whole(ledger, file_id):
    finding = Finding("V001", "强制", None, 3, "运量吨", "1e3", "不是数字", "请改正")
    result = CheckResult(
        path=Path("三月.csv"), file_name="三月.csv", accepted=False, rows=7, tonnes=Decimal("0.100"),
        months=("2025-03",), findings=(finding,), totals={"V001": 250}, unit_months=(),
        refused=(("U1", "2025-03"),), encoding="GB18030", rule_version="2026-11",
    )  # fmt: skip
    with ledger.begin() as conn:
        submissions.record_check(conn, file_id, result)
    with reading(ledger) as conn:
        row = conn.execute(sa.select(schema.check_result)).mappings().one()
    assert (row["accepted"], row["row_count"], row["tonnes"]) == (False, 7, Decimal("0.100"))
    assert (row["rule_version"], row["encoding"], row["months"]) == ("2026-11", "GB18030", ["2025-03"])
    assert (row["totals"], row["refused"]) == ({"V001": 250}, [["U1", "2025-03"]])
    assert row["findings"] == [finding.to_json()]


# --------------------------------------------------------------------------------------------- steps


def test_every_state_can_be_reached_and_the_ways_of_the_bulk_are_in_the_table():
    reached = {step.after for step in LIFE}
    assert reached == set(State)
    pairs = {(step.before, step.after) for step in LIFE}
    path = [State.暂存, *submissions.BULK_PATH]
    assert {*pairwise(path), (State.更正, State.已上报)} <= pairs


def test_a_return_goes_its_way_and_each_step_is_kept(ledger, file_id):
    with ledger.begin() as conn:
        number = hand_in(conn, file_id, "一", date(2025, 4, 7))
        for state in (State.县级初审, State.市级审核, State.通过, State.锁定):
            assert submissions.advance(conn, number, state, STAFF) == number
    assert steps(ledger, number) == [
        (None, State.暂存, ""),
        (State.暂存, State.已上报, ""),
        (State.已上报, State.县级初审, ""),
        (State.县级初审, State.市级审核, ""),
        (State.市级审核, State.通过, ""),
        (State.通过, State.锁定, ""),
    ]
    with reading(ledger) as conn:
        history = submissions.history(conn, number)
        assert [step.actor for step in history] == [CLERK, CLERK, *[STAFF] * 4]
        assert [step.effective_on.day for step in history] == [7, 7, 8, 8, 8, 8]
        assert audit.head(conn)[0] == 6
    assert [
        (r["version"], r["received_on"], r["accepted_on"]) for r in accepted(ledger, date(2025, 4, 8))
    ] == [(1, date(2025, 4, 7), date(2025, 4, 8))]
    assert accepted(ledger, date(2025, 4, 7)) == []


ALLOWED = {(step.before, step.after) for step in LIFE}
REFUSED = [(before, after) for before in State for after in State if (before, after) not in ALLOWED]


@pytest.mark.parametrize("before, after", REFUSED)
def test_a_step_that_life_does_not_have_is_refused_and_changes_nothing(ledger, file_id, before, after):
    with ledger.begin() as conn:
        number = draft(conn, file_id)
        conn.execute(sa.update(schema.submission).values(state=before))
    with ledger.begin() as conn:
        with pytest.raises(TransitionRefused, match=f"“{before}”的报表不能改为“{after}”"):
            submissions.advance(conn, number, after, STAFF, "原因")
        assert conn.scalar(sa.select(schema.submission.c.state)) == before
    assert len(steps(ledger, number)) == 1


def test_sending_back_needs_a_reason(ledger, file_id):
    with ledger.begin() as conn:
        number = hand_in(conn, file_id, "一", date(2025, 4, 7))
        submissions.advance(conn, number, State.市级审核, STAFF)
        with pytest.raises(TransitionRefused, match="须写明原因"):
            submissions.advance(conn, number, State.退回, STAFF, "  ")
        submissions.advance(conn, number, State.退回, STAFF, "运量与运单不符")
    assert standing(ledger, date(2025, 4, 8))[0]["reason"] == "运量与运单不符"


def test_a_returned_one_is_mended_in_the_same_version_and_keeps_its_first_receipt(ledger, file_id, tmp_path):
    mended = keep(ledger, tmp_path, "三月改.csv", "改").file_id
    with ledger.begin() as conn:
        number = hand_in(conn, file_id, "一", date(2025, 4, 7))
        submissions.advance(conn, number, State.市级审核, STAFF)
        with pytest.raises(TransitionRefused, match="正在市级审核"):
            submissions.save_draft(conn, mended, unit_month(content="二"), CLERK)
        submissions.advance(conn, number, State.退回, STAFF, "有误")
        assert hand_in(conn, mended, "二", date(2025, 4, 8)) == number
        submissions.advance(conn, number, State.市级审核, STAFF)
        submissions.advance(conn, number, State.通过, STAFF)
    (row,) = accepted(ledger, date(2025, 4, 8))
    assert (row["version"], row["rows_file"], row["file_name"]) == (1, "rows/二.parquet", "三月改.csv")
    assert (row["first_received_on"], row["received_on"]) == (date(2025, 4, 7), date(2025, 4, 8))


def test_a_correction_is_a_new_version_and_the_old_one_counts_until_it_is_accepted(ledger, file_id):
    with ledger.begin() as conn:
        first = hand_in(conn, file_id, "一", date(2025, 4, 7))
        for state in (State.市级审核, State.通过, State.锁定):
            submissions.advance(conn, first, state, STAFF)
        with pytest.raises(TransitionRefused, match="须写明原因"):
            submissions.save_draft(conn, file_id, unit_month(content="二"), CLERK)
        second = hand_in(conn, file_id, "二", MAY_DAY, "漏报一车")
        assert second != first
        assert [row["version"] for row in submissions.accepted_as_of(conn, MAY_DAY).to_pylist()] == [1]
        submissions.advance(conn, second, State.市级审核, STAFF, on=MAY_DAY)
        submissions.advance(conn, second, State.通过, STAFF, on=MAY_DAY)
    assert [row["version"] for row in accepted(ledger, date(2025, 5, 7))] == [1]
    (row,) = accepted(ledger, MAY_DAY)
    assert (row["version"], row["first_received_on"], row["received_on"]) == (2, date(2025, 4, 7), MAY_DAY)
    assert steps(ledger, second)[0] == (State.锁定, State.更正, "漏报一车")
    assert standing(ledger, MAY_DAY)[0]["reason"] == "漏报一车"


def test_handing_in_what_is_accepted_already_changes_nothing(ledger, file_id):
    with ledger.begin() as conn:
        submissions.accept_batch(conn, file_id, [unit_month()], MAY_DAY, "", STAFF)
        assert submissions.submit(conn, file_id, unit_month(), MAY_DAY, CLERK) is None
        assert submissions.advance(conn, 1, State.更正, STAFF, "核对") == 2
        assert submissions.submit(conn, file_id, unit_month(), MAY_DAY, CLERK) is None
    assert [row["version"] for row in accepted(ledger, MAY_DAY)] == [1]


def test_an_unknown_submission_is_a_fault(ledger):
    with ledger.begin() as conn, pytest.raises(KeyError):
        submissions.advance(conn, 99, State.通过, STAFF)


def test_the_last_explanation_of_a_finding_stands(ledger, file_id):
    with ledger.begin() as conn:
        number = draft(conn, file_id)
        submissions.explain(conn, number, {"C001": "改线", "P002": "新增客户"}, CLERK)
        submissions.explain(conn, number, {"C001": "绕行"}, CLERK)
        assert submissions.explanations(conn, number) == {"C001": "绕行", "P002": "新增客户"}


# ------------------------------------------------------------------------------------------- in bulk


def test_a_batch_writes_every_state_and_one_audit_entry(ledger, file_id):
    with ledger.begin() as conn:
        outcome = submissions.accept_batch(
            conn, file_id, [unit_month("U1"), unit_month("U2", is_zero=True)], date(2025, 4, 7), "", STAFF
        )
        assert audit.head(conn)[0] == 1
    assert outcome == BatchOutcome(accepted=2, amended=0, unchanged=0)
    path = [None, State.暂存, State.已上报, State.市级审核, State.通过]
    assert steps(ledger, 1) == [(a, b, "") for a, b in pairwise(path)]
    rows = accepted(ledger, date(2025, 4, 7))
    assert [(r["unit_code"], r["is_zero"], r["rows_file"]) for r in rows] == [
        ("U1", False, "rows/一.parquet"), ("U2", True, "rows/一.parquet"),
    ]  # fmt: skip
    with reading(ledger) as conn:
        table = submissions.accepted_as_of(conn, date(2025, 4, 7))
        assert table.schema == submissions.ACCEPTED_ROWS
        tonnes = conn.scalars(sa.select(schema.submission.c.tonnes)).all()
    assert tonnes == [Decimal("1234.567")] * 2


def test_identical_content_is_no_new_version_and_other_content_is_an_amendment(ledger, file_id):
    with ledger.begin() as conn:
        outcomes = [
            submissions.accept_batch(conn, file_id, [unit_month(content=content)], day, reason, STAFF)
            for content, day, reason in (
                ("一", date(2025, 4, 7), ""), ("一", date(2025, 4, 9), ""), ("二", MAY_DAY, ""),
                ("一", date(2025, 6, 1), "改回"),
            )
        ]  # fmt: skip
    assert outcomes == [
        BatchOutcome(1, 0, 0), BatchOutcome(0, 0, 1), BatchOutcome(0, 1, 0), BatchOutcome(0, 1, 0),
    ]  # fmt: skip
    with reading(ledger) as conn:
        kept = conn.execute(
            sa.select(schema.submission.c.version, schema.submission.c.reason).order_by("version")
        ).all()
    assert kept == [(1, ""), (2, "批量导入"), (3, "改回")]
    assert steps(ledger, 2)[0] == (State.通过, State.更正, "批量导入")


@pytest.mark.parametrize(
    "day, versions",
    [
        (date(2025, 4, 6), []), (date(2025, 4, 7), [1]), (date(2025, 5, 7), [1]), (MAY_DAY, [2]),
        (date(2030, 1, 1), [2]),
    ],
)  # fmt: skip
def test_a_later_amendment_does_not_hide_the_earlier_version(ledger, file_id, day, versions):
    with ledger.begin() as conn:
        submissions.accept_batch(conn, file_id, [unit_month(content="一")], date(2025, 4, 7), "", STAFF)
        submissions.accept_batch(conn, file_id, [unit_month(content="二")], MAY_DAY, "", STAFF)
    assert [row["version"] for row in accepted(ledger, day)] == versions
    assert [row["version"] for row in standing(ledger, day)] == versions


def test_zero_traffic_is_other_content_than_no_rows_of_the_same_hash(ledger, file_id):
    with ledger.begin() as conn:
        submissions.accept_batch(conn, file_id, [unit_month()], MAY_DAY, "", STAFF)
        outcome = submissions.accept_batch(conn, file_id, [unit_month(is_zero=True)], MAY_DAY, "", STAFF)
    assert outcome == BatchOutcome(0, 1, 0)


def test_of_a_unit_month_named_twice_in_a_batch_the_later_counts(ledger, file_id):
    with ledger.begin() as conn:
        twice = [unit_month(content="一"), unit_month(content="二")]
        outcome = submissions.accept_batch(conn, file_id, twice, MAY_DAY, "", STAFF)
    assert outcome == BatchOutcome(1, 0, 0)
    assert accepted(ledger, MAY_DAY)[0]["rows_file"] == "rows/二.parquet"


OPEN = [State.暂存, State.更正, State.已上报, State.县级初审, State.市级审核, State.退回]


@pytest.mark.parametrize("state", OPEN)
def test_a_batch_takes_an_open_version_over(ledger, file_id, state):
    with ledger.begin() as conn:
        number = draft(conn, file_id)
        conn.execute(sa.update(schema.submission).values(state=state))
        outcome = submissions.accept_batch(conn, file_id, [unit_month(content="二")], MAY_DAY, "", STAFF)
    assert outcome == BatchOutcome(1, 0, 0)
    (row,) = accepted(ledger, MAY_DAY)
    assert (row["submission_id"], row["version"], row["rows_file"]) == (number, 1, "rows/二.parquet")
    taken = steps(ledger, number)[1:]
    assert taken[0][0] == state
    assert taken[-1][1] == State.通过
    assert {(before, after) for before, after, _ in taken} <= ALLOWED


def test_an_empty_batch_is_recorded_as_such(ledger, file_id):
    with ledger.begin() as conn:
        assert submissions.accept_batch(conn, file_id, [], MAY_DAY, "", STAFF) == BatchOutcome(0, 0, 0)
    assert accepted(ledger, MAY_DAY) == []


def test_a_batch_of_more_units_than_one_statement_takes(ledger, file_id):
    many = [unit_month(f"U{number:05d}") for number in range(submissions.CODES_AT_ONCE * 2 + 1)]
    with ledger.begin() as conn:
        first = submissions.accept_batch(conn, file_id, many, MAY_DAY, "", STAFF)
        again = submissions.accept_batch(conn, file_id, many, MAY_DAY, "", STAFF)
    assert first == BatchOutcome(len(many), 0, 0)
    assert again == BatchOutcome(0, 0, len(many))


def test_a_batch_that_fails_leaves_nothing_behind(ledger, file_id):
    def accept_with_a_file_that_is_not_kept():
        with ledger.begin() as conn:
            submissions.accept_batch(conn, file_id, [unit_month()], MAY_DAY, "", STAFF)
            submissions.accept_batch(conn, 999, [unit_month("U2")], MAY_DAY, "", STAFF)

    with pytest.raises(IntegrityError):
        accept_with_a_file_that_is_not_kept()
    with reading(ledger) as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(schema.submission)) == 0
        assert audit.head(conn)[0] == 0


# -------------------------------------------------------------------------------------- looking back


def test_the_state_of_a_unit_month_is_that_at_the_end_of_the_day(ledger, file_id):
    with ledger.begin() as conn:
        number = hand_in(conn, file_id, "一", date(2025, 4, 8))
        submissions.advance(conn, number, State.市级审核, STAFF, on=date(2025, 4, 9))
        submissions.advance(conn, number, State.退回, STAFF, "有误", on=date(2025, 4, 10))
        draft(conn, file_id, "U2")
    seen = {
        day: [(r["unit_code"], r["state"], r["received_on"]) for r in standing(ledger, date(2025, 4, day))]
        for day in (7, 8, 9, 10)
    }
    begun, received = ("U2", "暂存", None), date(2025, 4, 8)
    assert seen == {
        7: [],
        8: [("U1", "已上报", received), begun],
        9: [("U1", "市级审核", received), begun],
        10: [("U1", "退回", received), begun],
    }


def test_empty_tables_have_their_types(ledger):
    with reading(ledger) as conn:
        assert submissions.accepted_as_of(conn, MARCH).schema == submissions.ACCEPTED_ROWS
        assert submissions.submissions_as_of(conn, MARCH).schema == submissions.STATES


# ----------------------------------------------------------------------------------------- processes


def _accept_much(home: Path, file_id: int, name: str, start: Barrier) -> None:
    ledger = open_ledger(home)
    start.wait(60)
    for number in range(15):
        with ledger.begin() as conn:
            batch = [unit_month("共同", content=f"{name}{number}"), unit_month(f"{name}{number}")]
            submissions.accept_batch(conn, file_id, batch, MAY_DAY, "", name)
    ledger.dispose()


def test_two_processes_that_accept_at_once_lose_nothing(ledger, file_id, tmp_path, monkeypatch):
    """Both amend the same unit-month all the time: each amendment is a version of its own."""
    monkeypatch.setenv(schema.URL_VARIABLE, schema.address(tmp_path))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    writers = [
        spawn.Process(target=_accept_much, args=(tmp_path, file_id, name, start)) for name in ("甲", "乙")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    rows = accepted(ledger, MAY_DAY)
    assert len(rows) == 31
    assert [row["version"] for row in rows if row["unit_code"] == "共同"] == [30]
    with reading(ledger) as conn:
        assert audit.head(conn)[0] == 30
        assert audit.broken(conn) == []
