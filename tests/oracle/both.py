"""The oracle and the warehouse on the same world: `indicators` of both, or a failed assertion.

A world is built into a snapshot once; its rows and its unit-months are compared there, each result where it
is asked for.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from etl.intake.contracts import OBJECTS
from etl.periods import last_complete_month
from etl.plan import Judgement
from etl.warehouse import evidence
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import Snapshot

from . import oracle
from .oracle import Result
from .published import snapshot_of
from .world import World


def indicators(world: World, year: int, through: int, by: str, **filters: str) -> list[Result]:
    """The oracle's results, each of them equal to what the warehouse and the judge say.

    Errors: AssertionError where they differ.
    """
    expected = oracle.indicators(world, year, through, by, **filters)
    # A period that is not over has no warehouse side: the command line refuses it, no page offers it, and
    # dim_month ends with the month of the build.
    if date(year, through, 1) <= last_complete_month(world.as_of):
        assert_equal(_snapshot(world), expected, Filters(year, through, **filters), by)
    return expected


def assert_equal(snapshot: Snapshot, expected: list[Result], filters: Filters, by: str) -> None:
    """Value, verdict, light, interval, gaps, reports, obligation, spur and unknown units of each object."""
    theirs = {(one.id, one.object): one for one in expected}
    judged = evidence.indicators(snapshot, EVERYTHING, filters, by)
    ours = {(one.subject.indicator, one.subject.object): one for one in judged}
    for key, one in theirs.items():
        if key in ours:
            assert _ours(ours[key]) == _theirs(one), (by, filters, key)
        else:
            assert _is_nothing(one.value, one.reports_expected), (by, filters, key, one)
    for key in ours.keys() - theirs.keys():
        assert _is_nothing(ours[key].value, ours[key].reports_expected), (by, filters, key)


def assert_same_rows(world: World, snapshot: Snapshot) -> None:
    """Each accepted row: its corridor, its distance, and whether it is counted once."""
    expected = Counter(
        (
            flow.unit_code, flow.month, flow.direction, flow.mode.name, flow.commodity.name, flow.corridor,
            flow.distance_km, flow.tonnes, flow.is_drayage, flow.loading, not flow.is_left_out,
        )
        for unit, month in world.accepted
        for flow in world.flows(unit, month)
    )  # fmt: skip
    found = Counter(
        _query(
            snapshot,
            "select unit_code, month, direction, mode, commodity, corridor, distance_km, tonnes, is_drayage,"
            " loading, counted_once from fact_movement",
        )
    )
    assert found == expected


def assert_same_unit_months(world: World, snapshot: Snapshot) -> None:
    """Each unit in each month: registered or not, expected or not, its spur."""
    found = {
        (unit, month): rest
        for unit, month, *rest in _query(
            snapshot, "select unit_code, month, county_code, is_active, is_expected, spur from dim_unit_month"
        )
    }
    months = [month for (month,) in _query(snapshot, "select month from dim_month")]
    expected = {
        (unit, month): [
            row.county_code, world.is_counted(unit, month), world.is_expected(unit, month),
            world.spur_word(unit, month),
        ]
        for unit in world.units
        for month in months
        if (row := world.row_in_force(unit, month)) is not None
    }  # fmt: skip
    assert found == expected


@lru_cache(maxsize=4)
def _snapshot(world: World) -> Snapshot:
    with tempfile.TemporaryDirectory() as folder:
        snapshot = snapshot_of(_as_imported(world), Path(folder))
        # The snapshot reads the plan's targets from plan.toml. Switches reach it through dim_rule, and so may
        # differ in memory; a target that does would be compared with another number, so it is refused.
        assert snapshot.plan == replace(world.declared.plan, switches=snapshot.plan.switches)
        assert_same_rows(world, snapshot)
        assert_same_unit_months(world, snapshot)
    # The file is unlinked now, and lives until the snapshot closes it.
    return snapshot


def _as_imported(world: World) -> World:
    """Objects of the official series and of targets by their one name, as `official import` records them."""

    def named(object_type: str, text: str) -> str:
        return OBJECTS[object_type].reader(world.declared)(text).value or text

    return replace(
        world,
        official=[replace(row, object=named(row.object_type, row.object)) for row in world.official],
        targets=[replace(row, object=named(row.object_type, row.object)) for row in world.targets],
    )


def _query(snapshot: Snapshot, statement: str) -> list[tuple[Any, ...]]:
    return snapshot._connection.cursor().execute(statement).fetchall()


def _ours(one: Judgement) -> dict[str, Any]:
    return {
        "value": one.value,
        "verdict": one.verdict.value,
        "light": one.light.value if one.light else None,
        "interval": one.interval,
        "gap": one.gap,
        "gap_added": one.gap_added,
        "gap_pace": one.gap_pace,
        "shiftable": one.shiftable,
        "reports": (one.reports_expected, one.reports_received),
        "obliged": one.obliged,
        "spur": one.spur or None,
        "unknown": one.unknown_units,
    } | _parts(one, one.subject.indicator, one.subject.object_type, one.left_out)


def _theirs(one: Result) -> dict[str, Any]:
    is_k4, is_unit = one.id == "K4", one.object_type == "企业"
    return {
        "value": one.value,
        "verdict": one.verdict,
        "light": one.light,
        "interval": one.interval,
        "gap": None if is_k4 and is_unit else one.gap,
        "gap_added": one.gap_added,
        "gap_pace": one.gap_pace,
        "shiftable": one.shiftable,
        "reports": (one.reports_expected, one.reports_received),
        "obliged": one.obliged,
        "spur": one.spur,
        "unknown": one.unknown_units if not is_k4 else () if is_unit else one.undetermined_units,
    } | _parts(one, one.id, one.object_type, one.left_out_tonnes)


def _parts(
    one: Judgement | Result, indicator: str, object_type: str, left_out: Fraction | None
) -> dict[str, Any]:
    """What the value was divided from, and what stands beside it."""
    if indicator == "K1":
        return {}
    if indicator == "K4":
        is_unit = object_type == "企业"
        return {} if is_unit else {"parts": (one.numerator, one.denominator), "exempt": one.exempt}
    return {"parts": (one.numerator, one.denominator), "left_out": left_out or 0}


def _is_nothing(value: Any, reports_expected: int) -> bool:
    return not value and not reports_expected
