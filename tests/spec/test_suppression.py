"""What is withheld of a release: the rule with its bounds, and that nothing of it follows from the rest.

The attacker here is written anew, in exact fractions: it knows which goods are in which figure, every figure that
is shown, and the goods of any one unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.warehouse.suppression import Breakdown, Goods, may_be_shown, withheld

D = Decimal
CITY = "全市"


def amounts(*tonnes: str) -> dict[str, Decimal]:
    return {f"U{i}": D(one) for i, one in enumerate(tonnes)}


@pytest.mark.parametrize(
    ("tonnes", "is_shown"),
    [
        ((), True),
        (("0", "0"), True),
        (("1",), False),
        (("1", "1"), False),
        (("1", "1", "0"), False),
        (("1", "1", "1"), True),
        (("80", "10", "10"), True),
        (("80.001", "10", "9.999"), False),
        (("79.999", "10", "10.001"), True),
        (("800000000000000.001", "100000000000000", "100000000000000"), False),
    ],
)
def test_three_units_and_four_fifths_are_shown(tonnes: Sequence[str], is_shown: bool):
    assert may_be_shown(amounts(*tonnes)) is is_shown


def test_whoever_reads_knows_its_own_part():
    assert not may_be_shown(amounts("90", "5", "5"))
    assert may_be_shown(amounts("90", "5", "5"), reader="U0")
    assert not may_be_shown(amounts("90", "5", "5"), reader="U1")
    assert not may_be_shown(amounts("90", "10"), reader="U0")


def places(goods: Mapping[str, Sequence[str]]) -> list[Goods]:
    """Place → its units' tonnes; each unit in one place, everything in the city too."""
    return [
        Goods(f"{place}{i}", D(tonnes), frozenset({(place, "运量"), (CITY, "运量")}))
        for place, units in goods.items()
        for i, tonnes in enumerate(units)
    ]


def city_of(goods: Mapping[str, Sequence[str]]) -> list[Breakdown]:
    return [Breakdown(CITY, tuple(goods))]


@pytest.mark.parametrize(
    ("goods", "gone"),
    [
        # Nothing to hide.
        ({"A": "123", "B": "456"}, ""),
        # The only small one would be the city less the others: the smallest of them goes with it.
        ({"A": "12", "B": "567", "C": "234"}, "AC"),
        # A's one unit would know C from their sum: two more go.
        ({"A": "1", "B": "567", "C": "234"}, "ABC"),
        ({"A": "1", "B": "567", "C": "234", "D": "789"}, "ABC"),
        # Two small ones of one unit each: either would know the other's from their sum.
        ({"A": "1", "B": "2", "C": "345", "D": "678"}, "ABC"),
        # Three of one unit each hide each other.
        ({"A": "2", "B": "2", "C": "2", "D": "678"}, "ABC"),
        # A place without goods hides nobody.
        ({"A": "12", "Z": (), "B": "567", "C": "234"}, "AC"),
        # Equal ones: the first by name.
        ({"A": "12", "C": "333", "B": "333"}, "AB"),
    ],
)
def test_the_smallest_further_place_goes_too(goods: Mapping[str, Sequence[str]], gone: str):
    assert withheld(places(goods), city_of(goods)) == set(gone)


def test_what_is_left_of_the_city_may_not_be_one_units_either():
    goods = {"A": ("100", "1"), "B": ("1", "1", "1"), "C": ("40", "50", "60"), "D": ("500", "600", "700")}
    # A and B together would be the large one's tonnes to within four: C goes as well.
    assert withheld(places(goods), city_of(goods)) == {"A", "B", "C"}


def test_a_city_of_two_units_is_not_shown_at_all():
    goods = {"A": ("1",), "B": ("2",)}
    assert withheld(places(goods), city_of(goods)) == {"A", "B", CITY}


def test_two_indicators_on_one_corridor_do_not_give_the_unit_between_them_away():
    """All bulk goods of a corridor less those of its spur units are one unit's, though each has three and more."""
    both = frozenset({(("K3", "朔黄"), "铁路"), (("大宗", "朔黄"), "铁路")})
    goods = [Goods(f"U{i}", D(10 + i), both) for i in range(4)]
    goods.append(Goods("U9", D(5), frozenset({(("大宗", "朔黄"), "铁路")})))
    # K3 goes, and the unit between them would know it from the other: that goes too.
    assert withheld(goods) == {("K3", "朔黄"), ("大宗", "朔黄")}
    more = [Goods(f"V{i}", D(5), frozenset({(("大宗", "朔黄"), "铁路")})) for i in range(2)]
    assert withheld(goods + more) == set()


def test_a_county_that_is_all_of_a_corridor_does_not_come_back_as_the_corridor():
    def of(unit: str, tonnes: int, county: str, corridor: str) -> Goods:
        lines = (CITY, f"县{county}", f"道{corridor}")
        return Goods(unit, D(tonnes), frozenset((line, "运量") for line in lines))

    goods = [of(f"A{i}", 10 + i, "甲", "一") for i in range(2)]
    goods += [of(f"B{i}", 20 + i, "乙", "二") for i in range(4)]
    goods += [of(f"C{i}", 30 + i, "丙", "三") for i in range(4)]
    told = [Breakdown(CITY, ("县甲", "县乙", "县丙")), Breakdown(CITY, ("道一", "道二", "道三"))]
    # 乙 goes with 甲, and then neither 一 nor 二 may stand, each being one of them.
    assert withheld(goods, told) == {"县甲", "县乙", "道一", "道二"}


def test_what_was_not_shown_before_stays_unshown():
    goods = {"A": "345", "B": "456", "C": "567"}
    assert withheld(places(goods), city_of(goods), already={"A"}) == {"A", "B"}


# ------------------------------------------------------------------------------------------- the attacker


def rank(rows: list[list[Fraction]]) -> int:
    """Of a matrix, by Gauss in exact fractions."""
    rows, found = [row[:] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for i in range(found + 1, len(rows)):
            factor = rows[i][column] / rows[found][column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[found], strict=True)]
        found += 1
    return found


def vector(goods: Sequence[Goods], figure: object) -> list[Fraction]:
    return [Fraction(figure in one.figures) for one in goods]


def follows(goods: Sequence[Goods], known: list[list[Fraction]], asked: list[Fraction]) -> bool:
    return rank([*known, asked]) == rank(known)


def told(goods: Sequence[Goods], hidden: frozenset, knows: str | None) -> list[list[Fraction]]:
    """What somebody knows who sees the figures that are not hidden, and has one unit's books."""
    figures = sorted({f for one in goods for f in one.figures if f[0] not in hidden}, key=repr)
    own = [[Fraction(i == j) for j in range(len(goods))] for i, one in enumerate(goods) if one.unit == knows]
    return [vector(goods, figure) for figure in figures] + own


@st.composite
def releases(draw: st.DrawFn) -> tuple[list[Goods], list[Breakdown]]:
    """Up to seven units in up to four counties and three corridors, by rail and road, in one or two indicators."""
    counties, corridors = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    has_bulk = draw(st.booleans())
    goods = []
    for unit in range(draw(st.integers(1, 7))):
        county = f"县{draw(st.integers(1, counties))}"
        for corridor in draw(st.lists(st.integers(1, corridors), min_size=1, max_size=2, unique=True)):
            mode = draw(st.sampled_from(("铁路", "公路")))
            tonnes = draw(st.one_of(st.integers(1, 9), st.sampled_from((100, 1000))))
            figures = set()
            if draw(st.booleans()) or not has_bulk:
                figures |= {(CITY, mode), (county, mode), (f"道{corridor}", mode)}
            if has_bulk:
                figures.add((f"全{corridor}", mode))
            goods.append(Goods(f"U{unit}", D(tonnes), frozenset(figures)))
    return goods, [
        Breakdown(CITY, tuple(f"县{i}" for i in range(1, counties + 1))),
        Breakdown(CITY, tuple(f"道{i}" for i in range(1, corridors + 1))),
    ]


@given(releases())
def test_nobody_can_work_out_a_hidden_figure_or_a_single_unit(release: tuple[list[Goods], list[Breakdown]]):
    goods, breakdowns = release
    hidden = withheld(goods, breakdowns)
    assert hidden == withheld(list(reversed(goods)), breakdowns)
    figures = {f for one in goods for f in one.figures}
    units = sorted({one.unit for one in goods})
    for figure in figures - {f for f in figures if f[0] in hidden}:
        by_unit: dict[str, Decimal] = {}
        for one in goods:
            if figure in one.figures:
                by_unit[one.unit] = by_unit.get(one.unit, D(0)) + one.amount
        assert may_be_shown(by_unit)
    for knows in (None, *units):
        known = told(goods, hidden, knows)
        if not known:
            continue
        for figure in (f for f in figures if f[0] in hidden):
            holders = {one.unit for one in goods if figure in one.figures}
            if holders != {knows}:
                assert not follows(goods, known, vector(goods, figure)), (figure, knows)
    # No sum of what is shown holds one or two units alone: their columns add nothing to the rank of the rest.
    shown = told(goods, hidden, None)
    for few in [*combinations(units, 1), *combinations(units, 2)]:
        rest = [
            [value for value, one in zip(row, goods, strict=True) if one.unit not in few] for row in shown
        ]
        assert rank(rest) == rank(shown), few


@given(releases())
def test_what_a_whole_less_its_shown_parts_leaves_keeps_the_rule(
    release: tuple[list[Goods], list[Breakdown]],
):
    goods, breakdowns = release
    hidden = withheld(goods, breakdowns)
    for one in breakdowns:
        if one.whole in hidden:
            continue
        for mode in ("铁路", "公路"):
            left: dict[str, Decimal] = {}
            for piece in goods:
                if any((part, mode) in piece.figures for part in one.parts if part in hidden):
                    left[piece.unit] = left.get(piece.unit, D(0)) + piece.amount
            assert may_be_shown(left)
