"""The warehouse and the judge against the oracle, on random registries, spurs, returns and official series."""

from __future__ import annotations

from datetime import date

from hypothesis import assume, given

from etl.periods import last_complete_month

from .both import indicators
from .strategies import filters, periods, worlds
from .world import World

GROUPINGS = ("city", "county", "corridor", "enterprise")


@given(worlds(), periods(), filters())
def test_sql_equals_the_oracle(world: World, period: tuple[int, int], chosen: dict[str, str]):
    """Each indicator of each object, in value, interval, gap, verdict, light and reports."""
    year, through = period
    # What lies past the last complete month has no warehouse side.
    assume(date(year, through, 1) <= last_complete_month(world.as_of))
    for by in GROUPINGS:
        indicators(world, year, through, by, **chosen)
