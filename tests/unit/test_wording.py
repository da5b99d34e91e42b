"""Numbers and verdicts as Chinese text: half up, never against the verdict, never a rounded nought."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from fractions import Fraction as F
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import wording
from etl.plan import CITY, ENTERPRISE, Judgement, Light, Subject, Verdict


def judgement(indicator: str, verdict: Verdict, **more: Any) -> Judgement:
    """A judgement with this verdict; the words depend on little else."""
    fields: dict[str, Any] = {
        "subject": Subject(indicator, CITY, CITY, 2025, 12), "value": None, "unit": "share",
        "numerator": F(0), "denominator": F(0), "target": None, "verdict": verdict, "light": None,
        "interval": None, "reports_expected": 0, "reports_received": 0,
    }  # fmt: skip
    return Judgement(**(fields | more))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (D("0.5"), 0, "1"),
        (D("1.5"), 0, "2"),
        (D("2.5"), 0, "3"),
        (D("0.4999999"), 0, "0"),
        (D("-0.5"), 0, "-1"),
        (D("-2.5"), 0, "-3"),
        (D("1.005"), 2, "1.01"),
        (D("2.675"), 2, "2.68"),
        (D("-1.005"), 2, "-1.01"),
        (D("1.0049999"), 2, "1.00"),
        (F(1, 3), 4, "0.3333"),
        (F(2, 3), 4, "0.6667"),
        (21584, 0, "21584"),
        (1234567, 2, "1234567.00"),
        (D("0.000000000000000000001"), 3, "0.000"),
        # A negative number that rounds to nought has no sign.
        (D("-0.4"), 0, "0"),
        (D("-0.004"), 2, "0.00"),
        (D("-0"), 1, "0.0"),
        (None, 2, "—"),
    ],
)
def test_numbers_round_half_up_and_have_no_separators(value: D | F | int | None, digits: int, text: str):
    assert wording.number(value, digits) == text


@pytest.mark.parametrize(
    ("tonnes", "digits", "text"),
    [(D("12000"), 1, "1.2"), (D("50"), 2, "0.01"), (D("49.999"), 2, "0.005"), (F(-86, 1), 2, "-0.01"),
     (None, 1, "—")],
)  # fmt: skip
def test_tonnes_as_wan(tonnes: D | F | None, digits: int, text: str):
    assert wording.wan(tonnes, digits) == text


@pytest.mark.parametrize(
    ("share", "target", "text"),
    [
        (F(8996, 10000), F(9, 10), "89.96"),
        (F(89999, 100000), F(9, 10), "89.999"),
        (F(8994, 10000), F(9, 10), "89.9"),
        (F(9, 10), F(9, 10), "90.0"),
        (F(9004, 10000), F(9, 10), "90.0"),
        (F(79999999, 100000000), F(8, 10), "79.999999"),
        # Half a tenth below: rounded it would be 80.0.
        (F(7995, 10000), F(8, 10), "79.95"),
        (F(8, 10), F(8, 10), "80.0"),
        (F(999999, 1000000), F(1), "99.9999"),
        (F(1), F(1), "100.0"),
        # Above a target that is no tenth of a percent: 33.3 would be below a third.
        (F(33334, 100000), F(1, 3), "33.334"),
        (F(9, 10), None, "90.0"),
        (F(8996, 10000), None, "90.0"),
        (None, F(9, 10), "—"),
        (F(0), F(9, 10), "0.0"),
    ],
)
def test_a_percentage_never_contradicts_its_verdict(share: F | None, target: F | None, text: str):
    assert wording.percent(share, target) == text


@pytest.mark.parametrize(
    ("before", "after", "target", "texts"),
    [
        (F(886, 1000), F(886, 1000), F(8, 10), ("88.6", "88.6")),
        (F(8860, 10000), F(8856, 10000), F(8, 10), ("88.60", "88.56")),
        (F(812, 1000), F(789, 1000), F(8, 10), ("81.2", "78.9")),
        (F(88600001, 10**8), F(886, 1000), None, ("88.600001", "88.600000")),
        # Either still on its own side of the target.
        (F(8, 10), F(7999, 10000), F(8, 10), ("80.00", "79.99")),
        (F(80001, 10**5), F(79999, 10**5), F(8, 10), ("80.001", "79.999")),
    ],
)
def test_two_shares_that_differ_read_differently(
    before: F, after: F, target: F | None, texts: tuple[str, str]
):
    assert wording.percents(before, after, target) == texts


@given(
    st.fractions(0, 1, max_denominator=10**9), st.sampled_from((F(9, 10), F(8, 10), F(1))), st.integers(0, 3)
)
def test_no_share_is_shown_on_the_other_side_of_its_target(share: F, target: F, digits: int):
    shown = F(wording.percent(share, target, digits)) / 100
    assert (shown >= target) == (share >= target)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("21583.9", "21583.9"),
        ("21583.99", "21583.99"),
        ("21583.4", "21583"),
        ("21584", "21584"),
        ("21584.4", "21584"),
    ],
)
def test_a_total_never_contradicts_its_verdict(value: str, text: str):
    assert wording.total(D(value), F(21584)) == text


def test_a_total_without_a_target():
    assert (wording.total(D("21583.5")), wording.total(None, F(21584))) == ("21584", "—")


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (F(11, 1000), "1.1"),
        (F(-4, 1000), "-0.4"),
        # What is not nought is not shown as nought.
        (F(4, 10000), "0.04"),
        (F(-1, 1000000), "-0.0001"),
        (F(0), "0.0"),
        (None, "—"),
    ],
)
def test_differences_of_shares_are_points(difference: F | None, text: str):
    assert wording.points(difference) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (D("103.2"), D(100), "增长3.2%"),
        (D("98.6"), D(100), "下降1.4%"),
        (D(100), D(100), "持平"),
        (D("100.05"), D(100), "增长0.1%"),
        (D("99.95"), D(100), "下降0.1%"),
        # Less than half a tenth of a percent either way.
        (D("100.0499"), D(100), "持平"),
        (D("99.9501"), D(100), "持平"),
        (D(0), D(100), "下降100.0%"),
        (D(5), D(0), "—"),
        (D(5), None, "—"),
        (None, D(5), "—"),
    ],
)
def test_growth_in_words(now: D | None, before: D | None, text: str):
    assert wording.growth(now, before) == text


def test_months_and_periods():
    assert wording.month_text(date(2025, 9, 1)) == "2025年9月"
    assert [wording.period_text(2025, m) for m in (1, 2, 9, 12)] == [
        "2025年1月",
        "2025年1—2月",
        "2025年1—9月",
        "2025年",
    ]


def test_every_verdict_and_every_light_has_its_words():
    assert set(wording.VERDICT_WORDS) == set(Verdict)
    assert set(wording.LIGHT_SHAPES) == set(Light)
    assert len(set(wording.LIGHT_SHAPES.values())) == 3


@pytest.mark.parametrize(
    ("indicator", "verdict", "more", "text"),
    [
        ("K1", Verdict.MET, {"unit": "万吨"}, "已达到目标"),
        ("K1", Verdict.MISSED, {"unit": "万吨"}, "未达到目标"),
        ("K1", Verdict.ON_PACE, {"unit": "万吨"}, "达到序时进度"),
        ("K1", Verdict.BEHIND, {"unit": "万吨"}, "低于序时进度"),
        ("K2", Verdict.MISSED, {}, "未达到力争目标"),
        ("K2", Verdict.NOT_YET, {}, "未到考核时点，当前值供参考"),
        ("K2", Verdict.RULING_MISSING, {"awaits_ruling": "煤炭主产区"}, "待认定（煤炭主产区）"),
        ("K3", Verdict.MISSED, {}, "未达到目标"),
        ("K3", Verdict.NO_TRAFFIC, {}, "本期无考核范围内运量"),
        ("K3", Verdict.INSUFFICIENT, {}, "数据尚不完整，暂不评价"),
        # A share has no path through the year: it is at its target or below.
        ("K3", Verdict.ON_PACE, {}, "当前达到目标值"),
        ("K3", Verdict.BEHIND, {}, "当前低于目标值"),
        ("K4", Verdict.MISSED, {}, "尚未全部接入"),
        ("K4", Verdict.ON_PACE, {}, "已全部接入"),
        ("K4", Verdict.BEHIND, {}, "尚未全部接入"),
        ("K4", Verdict.MISSED, {"obliged": True, "unit": "吨"}, "尚未接入"),
        ("K4", Verdict.BEHIND, {"obliged": True, "unit": "吨"}, "尚未接入"),
        ("K4", Verdict.MET, {"obliged": True, "unit": "吨"}, "已接入"),
        ("K4", Verdict.NOT_OBLIGED, {"obliged": False, "unit": "吨"}, "无义务"),
        ("K5", Verdict.NO_TARGET, {}, "方案未设年度目标"),
    ],
)
def test_verdicts_in_words(indicator: str, verdict: Verdict, more: dict, text: str):
    assert wording.verdict_text(judgement(indicator, verdict, **more)) == text


def test_a_light_is_a_shape_and_a_word():
    red = judgement("K3", Verdict.MISSED, light=Light.RED)
    assert wording.light_text(red) == "■ 未达到目标"
    dark = judgement("K3", Verdict.INSUFFICIENT, subject=Subject("K3", ENTERPRISE, "A", 2025, 12))
    assert wording.light_text(dark) == "○ 数据尚不完整，暂不评价"
