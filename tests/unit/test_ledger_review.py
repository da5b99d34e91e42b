"""Reviewing by role, in the ledger itself: whoever calls it, a role that may not is refused and nothing changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl.intake.check import UnitMonth
from etl.ledger import review, schema, submissions
from etl.ledger.recording import record
from etl.ledger.schema import open_ledger, reading
from etl.ledger.submissions import State, TransitionRefused
from etl.roles import Actor, NotAllowed, Role

MARCH, TODAY = date(2025, 3, 1), date(2025, 4, 8)
UNIT = {
    "unit_code": "U1", "uscc": "C1", "name": "甲矿", "county_code": "140925", "kind": "工矿企业",
    "is_large": "是",
}  # fmt: skip
MOVED = UNIT | {"county_code": "140981", "valid_from": "2025-04-01"}
COUNTY = Actor("县审核人", Role.COUNTY, counties=frozenset({"140925"}))
NEXT_COUNTY = Actor("邻县审核人", Role.COUNTY, counties=frozenset({"140981"}))
CITY = Actor("市审核人", Role.ANALYST)
OTHERS = [Actor("别人", role) for role in Role if role not in (Role.COUNTY, Role.ANALYST)]


pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", TODAY.isoformat())


@pytest.fixture
def ledger(tmp_path: Path) -> sa.Engine:
    engine = open_ledger(tmp_path)
    with engine.begin() as conn:
        record(conn, schema.registry, [UNIT, MOVED], date(2025, 1, 1), "名录.csv")
    return engine


@pytest.fixture
def number(ledger, tmp_path) -> int:
    """A return for March that was handed in."""
    source = tmp_path / "三月.csv"
    source.write_text("月份,运量吨\n", encoding="utf-8")
    one = UnitMonth(
        unit_code="U1", month=MARCH, rows=3, tonnes=Decimal(5), is_zero=False, content_hash="一",
        rows_file="rows/一.parquet",
    )  # fmt: skip
    with ledger.begin() as conn:
        file = submissions.keep_file(conn, tmp_path, source, None)
        handed_in = submissions.submit(conn, file.file_id, one, TODAY, "填报人")
    assert handed_in is not None
    return handed_in


def decide(ledger, number: int, actor: Actor, to: State, county_review: bool = True, reason: str = "原因"):
    with ledger.begin() as conn:
        return review.decide(
            conn, number, to, county_review=county_review, actor=actor, reason=reason, on=TODAY
        )


def at(ledger, number: int, state: State) -> None:
    with ledger.begin() as conn:
        here = schema.submission.c.submission_id == number
        conn.execute(sa.update(schema.submission).where(here).values(state=state))


def state_of(ledger, number: int) -> State:
    with reading(ledger) as conn:
        return State(conn.scalar(sa.select(schema.submission.c.state)))


# (state, who, county review on) → what a pass and a sending back lead to; None = refused.
PASSED, BACK = (State.通过, State.退回), State.退回
TABLE = [
    (State.已上报, COUNTY, True, State.市级审核, BACK),
    (State.县级初审, COUNTY, True, State.市级审核, BACK),
    (State.市级审核, COUNTY, True, None, None),
    (State.已上报, COUNTY, False, None, None),
    (State.已上报, NEXT_COUNTY, True, None, None),
    (State.县级初审, NEXT_COUNTY, True, None, None),
    (State.已上报, CITY, True, None, None),
    (State.县级初审, CITY, True, None, None),
    (State.市级审核, CITY, True, State.通过, BACK),
    (State.已上报, CITY, False, State.通过, BACK),
    (State.县级初审, CITY, False, State.通过, BACK),
    (State.市级审核, CITY, False, State.通过, BACK),
    *((State.市级审核, actor, on, None, None) for actor in OTHERS for on in (True, False)),
    *((State.已上报, actor, True, None, None) for actor in OTHERS),
]


@pytest.mark.parametrize("state, actor, county_review, passed, back", TABLE)
def test_who_may_take_a_return_where(ledger, number, state, actor, county_review, passed, back):
    for to, reached in ((State.退回, back), (State.通过, passed)):
        at(ledger, number, state)
        if reached is None:
            with pytest.raises(NotAllowed):
                decide(ledger, number, actor, to, county_review)
            assert state_of(ledger, number) is state
        else:
            assert decide(ledger, number, actor, to, county_review) == ("U1", MARCH, reached)
            assert state_of(ledger, number) is reached


def test_the_county_is_the_registrys_on_the_last_day_of_the_month(ledger, number):
    """From April on the unit is elsewhere; its March is still its old county's."""
    with reading(ledger) as conn:
        (one,) = review.waiting(conn, TODAY, county_review=True)
        assert (one.county_code, one.waits_for) == ("140925", Role.COUNTY)
        assert review.waiting(conn, TODAY, counties={"140981"}) == []


@pytest.mark.parametrize("state", [s for s in State if s not in review.WAITING])
@pytest.mark.parametrize("to", PASSED)
def test_what_does_not_wait_is_not_decided(ledger, number, state, to):
    at(ledger, number, state)
    with pytest.raises(TransitionRefused, match="不能改为"):
        decide(ledger, number, CITY, to, county_review=False)
    assert state_of(ledger, number) is state


def test_a_county_sends_back_with_a_reason_only(ledger, number):
    with pytest.raises(TransitionRefused, match="须写明原因"):
        decide(ledger, number, COUNTY, State.退回, reason=" ")
    assert state_of(ledger, number) is State.已上报


@pytest.mark.parametrize("actor", [COUNTY, *OTHERS])
def test_only_the_city_locks(ledger, number, actor):
    at(ledger, number, State.通过)
    with ledger.begin() as conn, pytest.raises(NotAllowed):
        review.lock(conn, MARCH, actor, TODAY)
    assert state_of(ledger, number) is State.通过


def test_an_old_version_is_not_amended_again(ledger, number):
    decide(ledger, number, CITY, State.通过, county_review=False)
    with ledger.begin() as conn:
        submissions.advance(conn, number, State.更正, "填报人", "有误")
        with pytest.raises(TransitionRefused, match="已有第2版"):
            submissions.advance(conn, number, State.更正, "填报人", "又有误")
        versions = submissions.versions(conn, "U1", MARCH)
    assert [(one.version, one.state, one.reason) for one in versions] == [
        (1, State.通过, ""), (2, State.更正, "有误"),
    ]  # fmt: skip
