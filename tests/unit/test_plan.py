"""The judge at its bounds: one step below, at and above, with numbers written out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

from etl.plan import (
    BASE_SHARE,
    CITY,
    CORRIDOR,
    COUNTY,
    ENTERPRISE,
    Judgement,
    Light,
    OfficialEvidence,
    ShareEvidence,
    Subject,
    Verdict,
    by_gap,
    collective_gap,
    judge,
    pace,
)
from etl.reference import load_declared
from etl.targets import Plan

PLAN: Plan = load_declared(Path(__file__).parents[2] / "data").plan


def share(
    rail: str,
    total: str,
    *,
    indicator: str = "K2",
    year: int = 2025,
    through: int = 12,
    object_type: str = CITY,
    missing: F | int = 0,
    unknown: tuple[str, ...] = (),
    reports: tuple[int, int] = (0, 0),
    road: str | None = None,
    ruling: str = "",
    plan: Plan = PLAN,
) -> Judgement:
    """A share judged; road tonnes are all that is not rail unless said."""
    evidence = ShareEvidence(
        subject=Subject(indicator, object_type, object_type, year, through),
        numerator=D(rail),
        denominator=D(total),
        road=D(total) - D(rail) if road is None else D(road),
        left_out=D(0),
        missing=F(missing),
        unknown_units=unknown,
        reports_expected=reports[0],
        reports_received=reports[1],
        awaits_ruling=ruling,
    )
    return judge(evidence, plan)


def k1(
    value: str | None,
    *,
    through: int = 12,
    complete: bool = True,
    target: F | int | None = 21584,
    basis: str = "方案",
    conflict: bool = False,
    plan: Plan = PLAN,
) -> Judgement:
    """An official total judged."""
    evidence = OfficialEvidence(
        subject=Subject("K1", CITY, CITY, 2025, through),
        value=None if value is None else D(value),
        complete=complete,
        target=None if target is None else F(target),
        target_basis=basis,
        caliber="发送",
        caliber_pending=True,
        caliber_conflict=conflict,
        reports_expected=12,
        reports_received=11,
    )
    return judge(evidence, plan)


def test_only_evidence_can_be_judged():
    with pytest.raises(TypeError, match="str"):
        judge("0.9", PLAN)


# ------------------------------------------------------------------------------------------------ shares


@pytest.mark.parametrize(
    ("indicator", "rail", "total", "verdict", "light", "gap"),
    [
        ("K2", "89.999", "100", Verdict.MISSED, Light.YELLOW, F(1, 1000)),
        ("K2", "90.000", "100", Verdict.MET, Light.GREEN, F(0)),
        ("K2", "90.001", "100", Verdict.MET, Light.GREEN, F(0)),
        ("K3", "79.999", "100", Verdict.MISSED, Light.YELLOW, F(1, 1000)),
        ("K3", "80.000", "100", Verdict.MET, Light.GREEN, F(0)),
        ("K3", "80.001", "100", Verdict.MET, Light.GREEN, F(0)),
        # Five 个百分点 short: 85 of 100 is still yellow, a kilogram less is red.
        ("K2", "85.000", "100", Verdict.MISSED, Light.YELLOW, F(5)),
        ("K2", "84.999", "100", Verdict.MISSED, Light.RED, F(5001, 1000)),
        ("K3", "75.000", "100", Verdict.MISSED, Light.YELLOW, F(5)),
        ("K3", "74.999", "100", Verdict.MISSED, Light.RED, F(5001, 1000)),
        ("K3", "0", "100", Verdict.MISSED, Light.RED, F(80)),
        ("K3", "100", "100", Verdict.MET, Light.GREEN, F(0)),
    ],
)
def test_a_share_at_its_bound(indicator: str, rail: str, total: str, verdict: str, light: str, gap: F):
    judged = share(rail, total, indicator=indicator)
    assert (judged.verdict, judged.light, judged.gap, judged.shiftable) == (verdict, light, gap, gap)
    assert judged.value == F(rail) / F(total)


@pytest.mark.parametrize(
    ("total", "rail", "verdict"),
    [
        # Nine tenths exactly: as a quotient of binary floats some of these fall below 0.9.
        ("0.010", "0.009", "达标"),
        ("1.110", "0.999", "达标"),
        ("3333333.330", "2999999.997", "达标"),
        ("123456789012.340", "111111110111.106", "达标"),
        ("123456789012.340", "111111110111.105", "未达标"),
        ("999999999999.990", "899999999999.991", "达标"),
        ("999999999999.990", "899999999999.990", "未达标"),
    ],
)
def test_a_verdict_compares_exact_decimals(total: str, rail: str, verdict: str):
    assert share(rail, total).verdict == verdict


def test_what_would_close_a_gap():
    """60 of 100 against 80 %: 20 t from the road, of which 15 are there; or 20 ÷ 0.2 = 100 t more rail."""
    judged = share("60", "100", indicator="K3", road="15")
    assert (judged.gap, judged.shiftable, judged.unshiftable, judged.gap_added) == (20, 15, 5, 100)
    met = share("80", "100", indicator="K3", road="20")
    assert (met.gap, met.shiftable, met.unshiftable, met.gap_added) == (0, 0, 0, 0)


def test_an_empty_denominator_is_no_number():
    judged = share("0", "0", reports=(2, 2))
    assert (judged.verdict, judged.value, judged.interval) == ("无适用运量", None, None)
    assert (judged.gap, judged.gap_added, judged.shiftable, judged.light) == (None, None, None, None)


def test_an_empty_denominator_with_a_return_missing_is_not_known_to_be_empty():
    """Neither with 5 t that could be missing, nor with nothing missing that anybody knows of."""
    for missing in (0, 5):
        judged = share("0", "0", missing=missing, reports=(2, 1))
        assert (judged.verdict, judged.interval, judged.value) == ("数据不足以判定", (0, 1), None)
    assert share("0", "0", unknown=("U",)).verdict == "数据不足以判定"


@pytest.mark.parametrize(
    ("rail", "total", "missing", "verdict", "low", "high"),
    [
        # 90/100 and all known.
        ("90", "100", 0, "达标", F(9, 10), F(9, 10)),
        # 99 of 110 at the least is 90 % exactly: the bound is in.
        ("99", "100", 10, "达标", F(99, 110), F(109, 110)),
        # A kilogram less: the worst end is below.
        ("98.999", "100", 10, "数据不足以判定", F("98.999") / 110, F("108.999") / 110),
        # 89 + 10 of 110 at the best is 90 % exactly: it could still be met.
        ("89", "100", 10, "数据不足以判定", F(89, 110), F(99, 110)),
        ("88.999", "100", 10, "未达标", F("88.999") / 110, F("98.999") / 110),
        # A third of a tonne is a third.
        ("1", "1", F(1, 3), "数据不足以判定", F(3, 4), F(1)),
    ],
)
def test_a_verdict_stands_where_no_missing_return_can_change_it(
    rail: str, total: str, missing: F | int, verdict: str, low: F, high: F
):
    judged = share(rail, total, missing=missing, reports=(12, 11))
    assert (judged.verdict, judged.interval) == (verdict, (low, high))
    assert (judged.light is None) == (verdict == "数据不足以判定")


def test_units_of_which_nothing_is_known():
    """A unit's own share can then be anything; a collective leaves them out and names them."""
    own = share("95", "100", object_type=ENTERPRISE, unknown=("A",), reports=(12, 11))
    assert (own.verdict, own.interval) == ("数据不足以判定", (0, 1))
    for object_type in (CITY, COUNTY, CORRIDOR):
        judged = share("95", "100", object_type=object_type, unknown=("A",), reports=(12, 11))
        assert (judged.verdict, judged.interval) == ("达标", (F(19, 20), F(19, 20)))
        assert (judged.unknown_units, judged.is_complete) == (("A",), False)


EVERYTHING_AT_ONCE: dict[str, Any] = {"missing": 10, "reports": (12, 11), "ruling": "煤炭主产区"}


@pytest.mark.parametrize(
    ("year", "changes", "verdict"),
    [
        # All that could be said is true at once; each line takes away what was said before it.
        (2026, {}, "无目标"),
        (2024, {}, "待认定"),
        (2025, {}, "待认定"),
        (2024, {"ruling": ""}, "未到考核年"),
        (2025, {"ruling": ""}, "数据不足以判定"),
        (2025, {"ruling": "", "reports": (12, 12), "missing": 0}, "无适用运量"),
    ],
)
def test_what_is_said_first_where_several_hold(year: int, changes: dict[str, Any], verdict: str):
    assert share("0", "0", year=year, **{**EVERYTHING_AT_ONCE, **changes}).verdict == verdict


def test_years_of_k2():
    """2023 and 2024 show the gap to 90 % and are not judged; before and after nothing is set."""
    said = {year: share("80", "100", year=year) for year in (2022, 2023, 2024, 2025, 2026)}
    assert [said[y].verdict for y in said] == ["无目标", "未到考核年", "未到考核年", "未达标", "无目标"]
    assert [said[y].gap for y in said] == [None, 10, 10, 10, None]
    assert [said[y].light for y in said] == [None, None, None, Light.RED, None]
    assert share("95", "100", year=2024).verdict == "未到考核年"


def test_a_share_before_december_is_on_pace_or_behind():
    words = [share("90", "100", through=m).verdict for m in (1, 11, 12)]
    assert words == ["在进度上", "在进度上", "达标"]
    assert [share("89.999", "100", through=m).verdict for m in (1, 11, 12)] == ["落后", "落后", "未达标"]
    assert share("90", "100", through=11).light is Light.GREEN


@pytest.mark.parametrize("indicator", ["K5", "K6", "C1", "C2", "C3", "C4", "K2_ALL", "K3_BELT", "K3_ALL"])
def test_what_has_no_target(indicator: str):
    judged = share("10", "100", indicator=indicator, missing=5, reports=(2, 1))
    assert (judged.verdict, judged.target, judged.gap, judged.light) == ("无目标", None, None, None)
    assert (judged.value, judged.interval) == (F(1, 10), (F(10, 105), F(15, 105)))


def test_the_lights_are_the_plans():
    plan = replace(PLAN, share_yellow_pp=D("2.5"))
    assert share("87.5", "100", plan=plan).light is Light.YELLOW
    assert share("87.499", "100", plan=plan).light is Light.RED
    plan = replace(PLAN, pace_green=D(98), pace_yellow=D(90))
    assert k1("21152.32", plan=plan).light is Light.GREEN
    assert k1("21152.31", plan=plan).light is Light.YELLOW
    assert k1("19425.59", plan=plan).light is Light.RED


# ---------------------------------------------------------------------------------------------------- K1


@pytest.mark.parametrize(
    ("value", "verdict", "gap", "light"),
    [
        ("21583.999999", "未达标", F("0.000001"), Light.YELLOW),
        ("21584", "达标", F(0), Light.GREEN),
        ("21584.000001", "达标", F("-0.000001"), Light.GREEN),
        # 95 % of 21584 is 20504.8.
        ("20504.8", "未达标", F("1079.2"), Light.YELLOW),
        ("20504.799999", "未达标", F("1079.200001"), Light.RED),
        ("0", "未达标", F(21584), Light.RED),
    ],
)
def test_a_year_of_k1(value: str, verdict: str, gap: F, light: Light):
    judged = k1(value)
    assert (judged.verdict, judged.gap, judged.light) == (verdict, gap, light)
    assert judged.interval == (F(value), F(value))
    assert judged.gap_pace == gap


@pytest.mark.parametrize(
    ("value", "verdict", "gap_pace", "light"),
    [
        # 21584 · 9/12 = 16188; 95 % of that is 15378.6.
        ("16187.999999", "落后", F("0.000001"), Light.YELLOW),
        ("16188", "在进度上", F(0), Light.GREEN),
        ("16188.000001", "在进度上", F("-0.000001"), Light.GREEN),
        ("15378.6", "落后", F("809.4"), Light.YELLOW),
        ("15378.599999", "落后", F("809.400001"), Light.RED),
    ],
)
def test_a_running_year_of_k1_is_judged_against_the_pace(value: str, verdict: str, gap_pace: F, light: Light):
    judged = k1(value, through=9)
    assert (judged.verdict, judged.gap_pace, judged.light) == (verdict, gap_pace, light)
    assert judged.gap == 21584 - F(value)
    assert judged.pace_rate == F(value) / 16188


def test_the_year_may_be_done_before_december():
    judged = k1("21584", through=11)
    assert (judged.verdict, judged.gap, judged.gap_pace) == ("在进度上", 0, F(21584 * 11, 12) - 21584)


def test_a_pace_that_does_not_end_is_exact():
    assert pace(F(21584), 1) == F(5396, 3)
    assert k1("1798.666666", through=1).verdict == "落后"
    assert k1("1798.666667", through=1).verdict == "在进度上"


def test_a_missing_month_of_k1():
    """The sum of the known can only grow: reached is reached, the rest cannot be told."""
    short = k1("21583.999999", complete=False)
    assert (short.verdict, short.light, short.gap) == ("数据不足以判定", None, F("0.000001"))
    assert short.interval == (F("21583.999999"), None)
    reached = k1("21584", complete=False)
    assert (reached.verdict, reached.light) == ("达标", Light.GREEN)
    assert k1("16188", through=9, complete=False).verdict == "在进度上"
    assert k1("16187.9", through=9, complete=False).verdict == "数据不足以判定"
    nothing = k1(None, complete=False)
    assert (nothing.verdict, nothing.value, nothing.gap, nothing.interval) == (
        "数据不足以判定", None, None, None,
    )  # fmt: skip


def test_what_is_said_of_k1_first():
    assert k1(None, complete=False, conflict=True, target=None).verdict == "无目标"
    conflict = k1(None, complete=False, conflict=True)
    assert (conflict.verdict, conflict.value, conflict.gap, conflict.light) == ("待认定", None, None, None)


def test_a_part_of_the_base_year_is_no_target():
    """按基年占比分摊 shows a gap and judges nothing."""
    judged = k1("100", target=F(4321, 2), basis=BASE_SHARE)
    assert (judged.verdict, judged.gap, judged.light) == ("无目标", F(4121, 2), None)
    assert k1("2160.5", target=F(4321, 2), basis="分解").verdict == "达标"
    assert k1("2160.4", target=F(4321, 2), basis="分解").verdict == "未达标"


# ------------------------------------------------------------------------------------------------- order


def test_the_units_gaps_do_not_cancel():
    """One 10 above and one 10 below 80 %: together on target, and 10 t to shift all the same."""
    above = share("90", "100", indicator="K3", object_type=ENTERPRISE)
    below = share("70", "100", indicator="K3", object_type=ENTERPRISE)
    empty = share("0", "0", indicator="K3", object_type=ENTERPRISE)
    assert share("160", "200", indicator="K3").gap == 0
    assert collective_gap([above, below, empty]) == 10
    assert by_gap([empty, above, below]) == [below, above, empty]
