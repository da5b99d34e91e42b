"""From a number to what it was made of: the uploaded rows, or the published values of K1."""

from __future__ import annotations

import pandas as pd

from etl.plan import CITY, CORRIDOR, COUNTY
from etl.warehouse.evidence import Period
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Filters
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot


def behind(
    snapshot: Snapshot,
    scope: Scope,
    indicator: str,
    filters: Filters,
    unit: str | None = None,
    *,
    everything: bool = False,
) -> pd.DataFrame:
    """The rows behind an indicator, those left out too with the reason; Chinese headers, tonnes and km.

    With `unit` the unit's own figure is explained, else the collective one, in which goods count once.
    `everything` adds the rows of other goods.
    K4 shows the year that it is judged on. Errors: KeyError for an unknown indicator.
    """
    INDICATORS[indicator]
    period = Period.of(filters.year, filters.through)
    if indicator == "K1":
        place = (COUNTY, filters.county) if filters.county else (CORRIDOR, filters.corridor)
        return snapshot.frame(
            "official_behind",
            first=period.first,
            last=period.last,
            object_type=place[0] if place[1] else None if scope.sees_all else CITY,
            object=place[1],
        )
    if indicator == "K4":
        period = Period.of(filters.year if filters.through == 12 else filters.year - 1, 12)
    return snapshot.frame(
        "rows_behind",
        indicator=indicator,
        first=period.first,
        last=period.last,
        county=filters.county,
        corridor=filters.corridor,
        commodity=filters.commodity,
        direction=filters.direction,
        unit=unit,
        everything=everything,
        scope_counties=scope.county_codes(),
        scope_units=scope.unit_codes(),
    )
