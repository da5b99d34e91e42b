"""What is not shown because it would tell of a single enterprise, and what must go with it.

A release is a set of lines (a county's, a corridor's, the city's), each with figures that are sums over goods of
units. `withheld` says which lines a reader without the right to single units does not get: those that fail the rule
by themselves (fewer than three units, or one above four fifths), and as many more, the smallest first, as it takes
that nothing of it follows from the rest. What follows is asked of linear algebra over all lines at once, so that
overlapping tables (two indicators on one corridor, counties against corridors) are no way round.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import numpy as np

FEWEST_UNITS = 3
LARGEST_PART = Fraction(4, 5)
# Ranks are looked for modulo a prime (2^26 - 5): exact in whole numbers, and sums of products stay below 2^63.
_PRIME = 67108859

Line = Hashable
# A figure of a line: the line, and which of its measures (铁路, 其余 …).
Figure = tuple[Line, str]


@dataclass(frozen=True)
class Goods:
    """Some goods of one unit, and every figure that they are counted in. Units: any, above zero."""

    unit: str
    amount: Decimal
    figures: frozenset[Figure]


@dataclass(frozen=True)
class Breakdown:
    """A line and the lines that add up to it, measure by measure."""

    whole: Line
    parts: tuple[Line, ...]


def may_be_shown(amounts: Mapping[str, Decimal], reader: str | None = None) -> bool:
    """Whether a figure of these units' amounts keeps the rule; a figure of nothing does.

    `reader` is the unit that reads: its own part may be as large as it is.
    """
    held = {unit: amount for unit, amount in amounts.items() if amount}
    if not held:
        return True
    largest = max((amount for unit, amount in held.items() if unit != reader), default=Decimal(0))
    return len(held) >= FEWEST_UNITS and Fraction(largest) <= LARGEST_PART * Fraction(sum(held.values()))


def withheld(
    goods: Iterable[Goods],
    breakdowns: Sequence[Breakdown] = (),
    already: Iterable[Line] = (),
    reader: str | None = None,
) -> frozenset[Line]:
    """The lines that are not shown; `already` are not shown in any case.

    Deterministic: of the lines that could be taken along the smallest goes first, then by its name; a whole goes
    only where its parts are gone or it fails itself.
    """
    return _Release([one for one in goods if one.amount], breakdowns, reader).settle(frozenset(already))


class _Release:
    """All figures as rows of zeros and ones over the parts into which they cut the goods."""

    def __init__(self, goods: Sequence[Goods], breakdowns: Sequence[Breakdown], reader: str | None) -> None:
        self._breakdowns, self._reader = breakdowns, reader
        self._amounts: dict[Figure, dict[str, Decimal]] = {}
        cut: dict[frozenset[Figure], set[str]] = {}
        for one in goods:
            cut.setdefault(one.figures, set()).add(one.unit)
            for figure in one.figures:
                by_unit = self._amounts.setdefault(figure, {})
                by_unit[one.unit] = by_unit.get(one.unit, Decimal(0)) + one.amount
        self._figures = sorted(self._amounts, key=_name)
        self._lines = sorted({line for line, _ in self._figures}, key=_name)
        # Parts of one or two units are what may give a unit away; they stand last.
        parts = sorted(cut, key=lambda part: (len(cut[part]) <= 2, _name(sorted(part, key=_name))))
        self._units = [frozenset(cut[part]) for part in parts]
        self._large = sum(len(units) > 2 for units in self._units)
        self._matrix = np.array(
            [[figure in part for part in parts] for figure in self._figures], dtype=np.int64
        ).reshape(len(self._figures), len(parts))
        self._wholes = {one.whole for one in breakdowns}

    def settle(self, hidden: frozenset[Line]) -> frozenset[Line]:
        hidden |= {line for line, measure in self._figures if not self._keeps_rule((line, measure))}
        while further := self._next(hidden):
            hidden |= {further}
        return hidden

    def _keeps_rule(self, *figures: Figure) -> bool:
        """Whether the sum of the figures, which share no goods, does."""
        whole: dict[str, Decimal] = {}
        for figure in figures:
            for unit, amount in self._amounts.get(figure, {}).items():
                whole[unit] = whole.get(unit, Decimal(0)) + amount
        return may_be_shown(whole, self._reader)

    def _next(self, hidden: frozenset[Line]) -> Line | None:
        """A line that has to go too; None where what is left gives nothing away."""
        return self._by_subtraction(hidden) or self._by_algebra(hidden)

    def _by_subtraction(self, hidden: frozenset[Line]) -> Line | None:
        """What a whole less its shown parts leaves must keep the rule itself."""
        for one in self._breakdowns:
            if one.whole in hidden:
                continue
            gone = [part for part in one.parts if part in hidden]
            measures = {measure for line, measure in self._figures if line == one.whole}
            if all(self._keeps_rule(*((part, measure) for part in gone)) for measure in measures):
                continue
            return self._smallest([part for part in one.parts if part not in hidden]) or one.whole
        return None

    def _by_algebra(self, hidden: frozenset[Line]) -> Line | None:
        rows = [i for i, (line, _) in enumerate(self._figures) if line not in hidden]
        if not rows:
            return None
        shown = self._matrix[rows]
        # On the right of each row: of which figures it is made.
        made = np.hstack([shown, np.eye(len(rows), dtype=np.int64)])
        reduced, pivots = _reduced(made, shown.shape[1])
        giving = self._exposing(reduced, pivots)
        if giving is None:
            giving = self._deriving(hidden, reduced, pivots)
        if giving is None:
            return None
        used = {self._figures[rows[i]][0] for i in np.flatnonzero(giving)}
        return self._smallest(used - self._wholes) or self._smallest(used)

    def _exposing(self, reduced: np.ndarray, pivots: list[int]) -> np.ndarray | None:
        """Of which figures a sum is made that holds the goods of one or two units and of nobody else."""
        width = len(self._units)
        small = reduced[[i for i, pivot in enumerate(pivots) if pivot >= self._large]]
        if not small.size:
            return None
        singles: dict[str, list[int]] = {}
        pairs: dict[frozenset[str], list[int]] = {}
        for column in range(self._large, width):
            units = self._units[column]
            if len(units) == 1:
                singles.setdefault(next(iter(units)), []).append(column)
            else:
                pairs.setdefault(units, []).append(column)
        for one, two in combinations(sorted(singles), 2):
            pairs.setdefault(frozenset((one, two)), [])
        for unit, columns in singles.items():
            if found := _within(small, columns, width):
                return found[0]
            for pair in pairs:
                if unit in pair:
                    pairs[pair] = pairs[pair] + columns
        for columns in pairs.values():
            if found := _within(small, columns, width):
                return found[0]
        return None

    def _deriving(self, hidden: frozenset[Line], reduced: np.ndarray, pivots: list[int]) -> np.ndarray | None:
        """Of which shown figures a hidden one is made, for somebody who knows one unit's goods besides."""
        width = len(self._units)
        own: dict[str, list[int]] = {}
        for column in range(self._large, width):
            if len(self._units[column]) == 1:
                own.setdefault(next(iter(self._units[column])), []).append(column)
        known = {}
        for unit, columns in own.items():
            goods = np.zeros((len(columns), reduced.shape[1]), dtype=np.int64)
            goods[range(len(columns)), columns] = 1
            known[unit] = _reduced(_rest(goods, reduced, pivots), width)
        for i, (line, _) in enumerate(self._figures):
            if line not in hidden:
                continue
            target = np.zeros((1, reduced.shape[1]), dtype=np.int64)
            target[0, :width] = self._matrix[i]
            rest = _rest(target, reduced, pivots)
            units = frozenset[str]().union(*(self._units[c] for c in np.flatnonzero(self._matrix[i])))
            if not rest[0, :width].any():
                return rest[0, width:]
            for unit, (goods, goods_pivots) in known.items():
                # Who has all of a figure knows it anyway.
                told = rest if units == {unit} else _rest(rest, goods, goods_pivots)
                if not told[0, :width].any():
                    return told[0, width:]
        return None

    def _smallest(self, lines: Iterable[Line]) -> Line | None:
        """The line with the least in it; one without anything hides nothing and is never taken."""
        sizes = {
            line: sum(sum(self._amounts[f].values()) for f in self._figures if f[0] == line) for line in lines
        }
        held = [line for line, size in sizes.items() if size]
        return min(held, key=lambda line: (sizes[line], _name(line)), default=None)


def _within(rows: np.ndarray, columns: Sequence[int], width: int) -> list[np.ndarray]:
    """Of which figures the sums of `rows` are made that hold nothing outside `columns`."""
    outside = [column for column in range(width) if column not in set(columns)]
    order = [*outside, *columns, *range(width, rows.shape[1])]
    reduced, pivots = _reduced(rows[:, order], len(outside))
    return [row[width:] for row in reduced[len(pivots) :] if row[len(outside) : width].any()]


def _reduced(matrix: np.ndarray, width: int) -> tuple[np.ndarray, list[int]]:
    """The matrix in reduced echelon form over its first `width` columns, rows with a pivot first; the pivots."""
    matrix, pivots = matrix % _PRIME, []
    for column in range(width):
        below = np.flatnonzero(matrix[len(pivots) :, column])
        if not below.size:
            continue
        row, found = len(pivots), len(pivots) + int(below[0])
        if found != row:
            matrix[[row, found]] = matrix[[found, row]]
        matrix[row] = matrix[row] * pow(int(matrix[row, column]), -1, _PRIME) % _PRIME
        others = [i for i in np.flatnonzero(matrix[:, column]) if i != row]
        matrix[others] = (matrix[others] - matrix[others, column][:, None] * matrix[row]) % _PRIME
        pivots.append(column)
    return matrix, pivots


def _rest(rows: np.ndarray, reduced: np.ndarray, pivots: Sequence[int]) -> np.ndarray:
    """The rows less what the reduced ones make of them."""
    return (rows - rows[:, pivots] @ reduced[: len(pivots)]) % _PRIME


def _name(key: object) -> str:
    return repr(key)
