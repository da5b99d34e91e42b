"""What each page shows, as one object: built from the snapshot under a Scope, drawn by a view.

Numbers stay exact (Fraction, Decimal); a `Table` carries what is printed beside a chart and what
its download holds. Units stand in the column names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

from etl.plan import Judgement, Light


@dataclass(frozen=True)
class Filters:
    """What the filter row says, and the URL with it. None = all."""

    year: int
    through: int
    county: str | None = None
    commodity: str | None = None
    corridor: str | None = None
    direction: str | None = None


@dataclass(frozen=True)
class Choices:
    """What the filter row offers: code → label, in the order to show them.

    `default` is where a page about the plan starts, `newest` the last month that is over (报送进度).
    """

    years: tuple[int, ...]
    through: dict[int, int]
    counties: dict[str, str]
    commodities: tuple[str, ...]
    corridors: tuple[str, ...]
    directions: tuple[str, ...]
    default: Filters
    newest: Filters


@dataclass(frozen=True)
class Head:
    """The same on each page."""

    title: str
    period: str
    scope: str
    as_of: date
    status: str
    is_demo: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A chart's table: Chinese headers with units, exact values; `digits` says how to show a column."""

    name: str
    frame: pd.DataFrame
    digits: dict[str, int]


@dataclass(frozen=True)
class Card:
    """One indicator: value, target, gap, light with word, 24 months, coverage."""

    indicator: str
    name: str
    value_text: str
    unit: str
    target_text: str
    gap_text: str
    light: Light | None
    word: str
    spark: tuple[tuple[date, Decimal | None], ...]
    spark_target: Decimal | None
    footnote: str
    judgement: Judgement


@dataclass(frozen=True)
class PathPoint:
    """K1 at the end of a month, 万吨; None = not known."""

    month: int
    value: Decimal | None
    cumulative: Decimal | None
    pace: Decimal | None
    difference: Decimal | None


@dataclass(frozen=True)
class PathBlock:
    """K1 cumulative against the plan path. Units: 万吨."""

    sentence: str
    points: tuple[PathPoint, ...]
    target: Decimal | None
    required_per_month: Decimal | None
    best_month: tuple[date, Decimal] | None
    seasonal: tuple[Decimal | None, ...]
    note: str
    table: Table


@dataclass(frozen=True)
class GapRow:
    """One county, corridor or unit in a gap chart. `gap` in 万吨, None = no gap can be said."""

    key: str
    label: str
    gap: Decimal | None
    share_text: str
    light: Light | None
    word: str
    note: str


@dataclass(frozen=True)
class GapBlock:
    """Gaps sorted by the gap. `ranked` False = in the order of 行政区划 instead."""

    title: str
    note: str
    sentence: str
    rows: tuple[GapRow, ...]
    ranked: bool
    table: Table


@dataclass(frozen=True)
class UnitRow:
    """A unit in a list: tonnes of the list's goods by mode in 万吨, its share and target in percent (0–100),
    and what it has to shift (万吨).
    """

    unit_code: str
    name: str
    county: str
    corridors: str
    tonnes: dict[str, Decimal]
    share: Decimal | None
    share_text: str
    target: Decimal | None
    shift: Decimal | None
    spur: str
    light: Light | None
    word: str
    missing: int


@dataclass(frozen=True)
class UnitBlock:
    """`is_withheld`: single units are not for this reader, so there are no rows."""

    title: str
    note: str
    sentence: str
    rows: tuple[UnitRow, ...]
    table: Table
    is_withheld: bool = False


@dataclass(frozen=True)
class Overview:
    """总览, top to bottom."""

    head: Head
    sentence: str
    cards: tuple[Card, ...]
    card_months: Table
    path: PathBlock
    counties: GapBlock
    corridors: GapBlock
    units: UnitBlock
    changes: tuple[str, ...]
    problems: tuple[str, ...]
    final: Table | None
    final_sentence: str
    comparison: Table | None
    comparison_sentence: str


@dataclass(frozen=True)
class ReportCell:
    """One unit-month: state is 按时 迟报 零申报 未报 停产 不应报 审核中 退回."""

    unit_code: str
    month: date
    state: str
    received_on: date | None


@dataclass(frozen=True)
class Reporting:
    """报送进度 for one month, with the months before it as a matrix."""

    head: Head
    sentence: str
    month: date
    due_on: date
    is_past_due: bool
    counts: dict[str, int]
    counties: Table
    months: Table
    county_months: Table
    missing: tuple[tuple[str, str, str], ...]
    late: Table
    reminder: str
    units: tuple[tuple[str, str], ...]
    matrix_months: tuple[date, ...]
    matrix: tuple[ReportCell, ...]


@dataclass(frozen=True)
class MonthPair:
    """Rail and road tonnes of one month in 万吨; None = no return at all (未报)."""

    month: date
    rail: Decimal | None
    road: Decimal | None


@dataclass(frozen=True)
class Corridors:
    """通道: K2, K3 and K1 for each corridor, rail against road, months as small multiples.

    `tonnes` is None, and `months` is empty, where every mode of every month would tell of single units.
    """

    head: Head
    sentence: str
    k2: GapBlock
    k3: GapBlock
    k1: GapBlock | None
    tonnes: Table | None
    months: dict[str, tuple[MonthPair, ...]]
    month_table: Table
    chosen: str | None
    units: tuple[UnitBlock, ...]


@dataclass(frozen=True)
class Enterprises:
    """企业: all units that the scope may see, by tonnes to shift."""

    head: Head
    sentence: str
    k3: UnitBlock
    k2: UnitBlock
    k4: Table
    access_sentence: str


@dataclass(frozen=True)
class Enterprise:
    """One unit's page."""

    head: Head
    sentence: str
    unit_code: str
    name: str
    facts: tuple[tuple[str, str], ...]
    cards: tuple[Card, ...]
    months: tuple[MonthPair, ...]
    month_table: Table
    commodities: Table
    corridors: Table
    spurs: Table
    missing: tuple[str, ...]
    versions: Table


@dataclass(frozen=True)
class PopulationBlock:
    """Who an indicator counted in a month, and who came in or went out against two months before."""

    indicator: str
    title: str
    sentence: str
    against_month: Table
    against_year: Table


@dataclass(frozen=True)
class Registry:
    """名录 in one month: units with their dated attributes, who is counted where, and who might have to be."""

    head: Head
    sentence: str
    populations: tuple[PopulationBlock, ...]
    members: Table
    candidate_sentence: str
    candidates: Table
    counties: Table
    units: Table
    history: Table
    shared: Table


@dataclass(frozen=True)
class Spurs:
    """专用线台账 in one month: lines, users, what they carried in twelve months, and who has access."""

    head: Head
    sentence: str
    card: Card
    lines: Table
    lines_note: str
    uses: Table
    counties: Table
    without: Table


@dataclass(frozen=True)
class SeriesPoint:
    """An official value in force, 万吨; None = not published. `is_provisional`: 快报."""

    month: date
    value: Decimal | None
    is_provisional: bool


@dataclass(frozen=True)
class Series:
    """One mode and caliber of an object: 当期 month by month for a chart, with 累计 in the table."""

    mode: str
    caliber: str
    title: str
    points: tuple[SeriesPoint, ...]
    table: Table


@dataclass(frozen=True)
class Official:
    """官方数 of one object: the series, each apart, their vintages, and what a revision changed."""

    head: Head
    sentence: str
    caliber_note: str
    series: tuple[Series, ...]
    revision_sentence: str
    changes: tuple[str, ...]
    revisions: Table
    vintages: Table
    values: Table


@dataclass(frozen=True)
class Definition:
    """An indicator as its definition prints it: one click away from each number."""

    indicator: str
    name: str
    numerator: str
    denominator: str
    population: str
    exclusions: str
    bound: str
    clause: str
    quote: str
    target: str
    source: str
    open_questions: tuple[str, ...]
