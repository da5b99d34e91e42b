"""The judge of K4: the bound of 150 万吨, the catalogue, what missing returns leave open, the city's ratio."""

from __future__ import annotations

from decimal import Decimal as D
from fractions import Fraction as F
from pathlib import Path

import pytest

from etl.plan import CITY, ENTERPRISE, AccessEvidence, Judgement, Light, ObligationEvidence, Subject, judge
from etl.reference import load_declared

PLAN = load_declared(Path(__file__).parents[2] / "data").plan


def unit(
    tonnes: str,
    *,
    highest: str | bool | None = True,
    could: bool = True,
    catalogue: bool | None = None,
    access: bool = False,
    state: str = "未建",
    year: int = 2025,
    through: int = 12,
    name: str = "A",
) -> Judgement:
    """A unit's obligation judged; `highest` True = as known, None = nobody knows."""
    evidence = ObligationEvidence(
        subject=Subject("K4", ENTERPRISE, name, year, through),
        tonnes=D(tonnes),
        highest=F(tonnes) if highest is True else None if highest is None else F(str(highest)),
        could_be_obliged=could,
        in_catalogue=catalogue,
        has_access=access,
        state=state,
        reports_expected=12,
        reports_received=12,
    )
    return judge(evidence, PLAN)


def city(*units: Judgement, year: int = 2025, through: int = 12) -> Judgement:
    """The units' obligations gathered."""
    return judge(AccessEvidence(Subject("K4", CITY, CITY, year, through), units, 24, 23), PLAN)


@pytest.mark.parametrize(
    ("tonnes", "obliged", "verdict"),
    [
        ("1499999.999", False, "无义务"),
        ("1500000.000", True, "未达标"),
        ("1500000.001", True, "未达标"),
    ],
)
def test_150_wan_tonnes_are_in(tonnes: str, obliged: bool, verdict: str):
    judged = unit(tonnes)
    assert (judged.obliged, judged.verdict, judged.value) == (obliged, verdict, F(tonnes))
    assert judged.light == (Light.RED if obliged else None)


@pytest.mark.parametrize(
    ("highest", "obliged", "verdict"),
    [
        ("1499999.999", False, "无义务"),
        ("1500000", None, "数据不足以判定"),
        (None, None, "数据不足以判定"),
    ],
)
def test_known_tonnes_that_a_missing_return_could_lift(
    highest: str | None, obliged: bool | None, verdict: str
):
    judged = unit("1499999", highest=highest)
    assert (judged.obliged, judged.verdict) == (obliged, verdict)
    # Once the bound is reached, what is missing changes nothing.
    assert unit("1500000", highest=None).obliged is True


@pytest.mark.parametrize(
    ("catalogue", "could", "tonnes", "obliged"),
    [
        (True, True, "0", True),
        (False, True, "9000000", False),
        (None, True, "9000000", True),
        (True, False, "9000000", False),
        (None, False, "9000000", False),
    ],
)
def test_the_catalogue_goes_before_the_tonnes(
    catalogue: bool | None, could: bool, tonnes: str, obliged: bool
):
    for highest in (True, None):
        assert unit(tonnes, highest=highest, catalogue=catalogue, could=could).obliged is obliged


def test_words_of_a_unit_with_an_obligation():
    words = [unit("0", catalogue=True, access=access, through=m).verdict for access in (True, False)
             for m in (12, 11)]  # fmt: skip
    assert words == ["达标", "在进度上", "未达标", "落后"]
    assert unit("0", catalogue=True, access=True, through=11).light is Light.GREEN
    assert unit("0", catalogue=True, year=2026).verdict == "无目标"
    assert unit("0", catalogue=True, year=2026).obliged is True


def test_the_citys_access():
    """One of three with access, one exempt: 1/3, two without."""
    a = unit("0", catalogue=True, access=True, name="A")
    b = unit("0", catalogue=True, state="在建", name="B")
    c = unit("0", catalogue=True, state="豁免", name="C")
    none = unit("0", catalogue=False, access=True, name="N")
    judged = city(a, b, c, none)
    assert (judged.value, judged.numerator, judged.denominator) == (F(1, 3), 1, 3)
    assert (judged.verdict, judged.gap, judged.exempt, judged.light) == ("未达标", 2, 1, Light.RED)
    assert (judged.interval, judged.unknown_units) == ((F(1, 3), F(1, 3)), ())
    assert city(a).verdict == "达标"
    assert city(b, through=11).verdict == "落后"
    assert (city(a, year=2026).verdict, city(a, year=2026).gap) == ("无目标", None)
    assert (city(none).verdict, city(none).value, city(none).interval) == ("无适用运量", None, None)


def test_the_undetermined_move_the_citys_interval():
    """A with access. U without: worst 1/2. V with access, undetermined: best 2/2."""
    a = unit("0", catalogue=True, access=True, name="A")
    b = unit("0", catalogue=True, name="B")
    u = unit("0", highest=None, name="U")
    v = unit("0", highest=None, access=True, name="V")
    judged = city(a, u, v)
    assert (judged.value, judged.interval, judged.verdict) == (1, (F(1, 2), 1), "数据不足以判定")
    assert judged.unknown_units == ("U", "V")
    assert (city(a, v).verdict, city(a, v).interval) == ("达标", (1, 1))
    # One obliged unit without access is enough: no other can make it all.
    assert (city(a, b, u).verdict, city(a, b, u).interval) == ("未达标", (F(1, 3), F(1, 2)))
    assert (city(u).verdict, city(u).value, city(u).interval) == ("数据不足以判定", None, (0, 1))
