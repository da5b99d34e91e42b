"""From the ledger and the declared data to one file of published numbers.

Reads what was known on a day (`as_of`), runs sql/ in order, checks the result. Deterministic: the same
inputs give the same content. Writes only the file it is told to; publish.py moves the pointer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

import duckdb
import pyarrow as pa

from etl import periods
from etl.reference import Declared
from etl.warehouse.indicators import INDICATORS

Progress = Callable[[str, int, int], None]
# Raised whenever sql/read/ needs something that an older file does not have.
SCHEMA_VERSION = 4
TONNES = pa.decimal128(18, 3)
KILOMETRES = pa.decimal128(18, 9)
_SQL = resources.files("etl.warehouse") / "sql"


@dataclass(frozen=True)
class Inputs:
    """What the ledger knew on a day, as tables (columns: ledger/), and where the accepted rows lie.

    `rows`, where given, are the rows (columns of ROWS) and no file is read.
    """

    registry: pa.Table
    spurs: pa.Table
    submissions: pa.Table
    reports: pa.Table
    official: pa.Table
    targets: pa.Table
    events: pa.Table
    home: Path
    rows: pa.Table | None = None


class BuildRefused(Exception):
    """The built file does not hold together; the old version stays. The message says what failed."""


def build(
    target: Path, inputs: Inputs, declared: Declared, as_of: date, progress: Progress | None = None
) -> None:
    """Write the warehouse of `as_of` to `target`, a new file.

    Errors: BuildRefused where a check fails; duckdb.Error where the disk or the memory does.
    """
    with duckdb.connect(str(target), config=CONFIG) as connection:
        fill(connection, inputs, declared, as_of, progress)
        connection.execute("checkpoint")


def fill(
    connection: duckdb.DuckDBPyConnection,
    inputs: Inputs,
    declared: Declared,
    as_of: date,
    progress: Progress | None = None,
) -> None:
    """Make the tables and views of a warehouse in an empty database, on disk or in memory.

    Errors: as `build`.
    """
    for name, table in _input_tables(inputs, declared, as_of).items():
        connection.from_arrow(table).create(name)
    _store_rows(connection, inputs)
    statements = list(sql_statements())
    for step, (name, statement) in enumerate(statements, start=1):
        connection.execute(statement)
        if progress:
            progress(name, step, len(statements))
    _check(connection)
    connection.execute("drop table in_row")


def sql_statements() -> Iterator[tuple[str, str]]:
    """Name and text of each statement of sql/, in the order to run them."""
    for file in sorted(_SQL.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".sql"):
            continue
        if file.name == "60_flow.sql":
            yield "indicator_flow", indicator_flow()
        yield file.name.removesuffix(".sql")[3:], file.read_text(encoding="utf-8")


def indicator_flow() -> str:
    """The view over sql/flow/: each indicator's goods, one after the other."""
    parts = [(_SQL / "flow" / f"{id_}.sql").read_text(encoding="utf-8") for id_ in INDICATORS if id_ != "K1"]
    return "create view indicator_flow as\n" + "\nunion all\n".join(parts)


CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def _store_rows(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """The accepted rows, from the Parquet files that intake wrote."""
    if inputs.rows is not None:
        connection.from_arrow(inputs.rows).create("in_row")
        return
    files = sorted(set(inputs.submissions["rows_file"].to_pylist()) - {None, ""})
    if not files:
        connection.from_arrow(ROWS.empty_table()).create("in_row")
        return
    paths = [str(inputs.home / file) for file in files]
    connection.register("file_names", pa.table({"path": paths, "rows_file": files}))
    connection.execute((_SQL / "load" / "in_row.sql").read_text(encoding="utf-8"), {"paths": paths})
    connection.unregister("file_names")


def _input_tables(inputs: Inputs, declared: Declared, as_of: date) -> dict[str, pa.Table]:
    tables = {
        "meta": _meta(declared, as_of),
        "in_registry": _decimals(inputs.registry, "approved_tonnes", TONNES),
        "in_spur": _decimals(inputs.spurs, "capacity", pa.decimal128(18, 6)),
        "in_submission": inputs.submissions,
        "in_state": inputs.reports,
        "in_official": _decimals(inputs.official, "value", pa.decimal128(18, 6)),
        "in_target": _decimals(inputs.targets, "value", pa.decimal128(18, 6)),
        "in_event": inputs.events,
        "dim_rule": _rule(declared, as_of),
        "dim_indicator": _indicators(),
        "dim_due": _due(inputs, declared, as_of),
    }
    return tables | _dimensions(declared)


def _meta(declared: Declared, as_of: date) -> pa.Table:
    plan_text = (declared.folder / "plan.toml").read_text(encoding="utf-8")
    if declared.overlay and (declared.overlay / "plan.toml").is_file():
        plan_text = (declared.overlay / "plan.toml").read_text(encoding="utf-8")
    return pa.table(
        {
            "schema_version": [SCHEMA_VERSION],
            "as_of": pa.array([as_of], pa.date32()),
            "is_demo": [declared.is_demo],
            "plan_toml": [plan_text],
            "sql_sha256": [hashlib.sha256("".join(t for _, t in sql_statements()).encode()).hexdigest()],
        }
    )


def _rule(declared: Declared, as_of: date) -> pa.Table:
    """The plan's bounds and the bureau's switches as one row. Units: km, tonnes."""
    plan = declared.plan
    return pa.table(
        {
            "as_of": pa.array([as_of], pa.date32()),
            "long_distance_km": pa.array([plan.long_distance_km], KILOMETRES),
            "short_distance_km": pa.array([Decimal(str(plan.switch("short_distance_km")))], KILOMETRES),
            "spur_access_from": [str(plan.switch("spur_access_from"))],
            "belt_in_k3": pa.array([bool(plan.switch("belt_in_k3"))], pa.bool_()),
            # 发送+接运 and 发送＋接运 are one caliber, as in the series themselves.
            "k1_caliber": [str(plan.switch("k1_caliber")).replace("+", "＋")],
        }
    )


def _indicators() -> pa.Table:
    needs = ("needs_mine", "needs_coal_area", "needs_large_or_new", "needs_spur")
    entries = [entry for entry in INDICATORS.values() if entry.id != "K1"]
    return pa.table(
        {"indicator": [e.id for e in entries]} | {need: [getattr(e, need) for e in entries] for need in needs}
    )


def _due(inputs: Inputs, declared: Declared, as_of: date) -> pa.Table:
    """The due day of each month that returns can be for."""
    plan = declared.plan
    starts = [d for d in inputs.registry["due_from"].to_pylist() if d] + inputs.submissions[
        "month"
    ].to_pylist()
    first = min([*starts, as_of.replace(day=1)])
    months = periods.months_between(first, as_of.replace(day=1))
    due = [periods.due_date(m, plan.due_day, plan.holidays, plan.workdays) for m in months]
    return pa.table({"month": pa.array(months, pa.date32()), "due_on": pa.array(due, pa.date32())})


def _dimensions(declared: Declared) -> dict[str, pa.Table]:
    counties = declared.counties
    corridors = declared.corridors
    stations = {s.name: s for s in declared.stations}
    words = declared.station_names
    return {
        "dim_county": pa.table(
            {
                "county_code": [c.code for c in counties],
                "name": [c.name for c in counties],
                "cluster": [c.cluster for c in counties],
                "parent_code": [c.parent_code for c in counties],
                "position": list(range(len(counties))),
            }
        ),
        "dim_corridor": pa.table(
            {
                "corridor": pa.array([c.name for c in corridors], pa.string()),
                "full_name": pa.array([c.full_name for c in corridors], pa.string()),
                "is_in_plan": pa.array([c.in_plan for c in corridors], pa.bool_()),
                "position": pa.array(range(len(corridors)), pa.int64()),
            }
        ),
        "dim_commodity": pa.table(
            {
                "commodity": [c.name for c in declared.commodities],
                "is_bulk": [c.bulk for c in declared.commodities],
                "is_coal_coke": [c.coal_coke for c in declared.commodities],
                "position": list(range(len(declared.commodities))),
            }
        ),
        "dim_mode": pa.table(
            {
                "mode": [m.name for m in declared.modes],
                "is_rail": [m.rail for m in declared.modes],
                "is_road": [m.road for m in declared.modes],
                "is_belt": [m.belt for m in declared.modes],
                "is_clean": [m.clean for m in declared.modes],
                "position": list(range(len(declared.modes))),
            }
        ),
        "dim_station_word": pa.table(
            {
                "word": pa.array(words, pa.string()),
                "name": pa.array(words.values(), pa.string()),
                "corridor": pa.array([stations[n].corridor or None for n in words.values()], pa.string()),
            }
        ),
        "dim_od": _od_pairs(declared),
        "dim_coal_area": pa.table(
            {
                "county_code": pa.array([a.county_code for a in declared.coal_areas], pa.string()),
                "valid_from": pa.array([a.valid_from for a in declared.coal_areas], pa.date32()),
                "valid_to": pa.array([a.valid_to for a in declared.coal_areas], pa.date32()),
            }
        ),
    }


def _od_pairs(declared: Declared) -> pa.Table:
    """认定里程 by pair, both ways round; a pair declared the other way round too keeps its own value."""
    pairs: dict[tuple[str, str], tuple[str | None, Decimal]] = {}
    names: Mapping[str, str] = declared.station_names
    for od in declared.od_distances:
        origin, destination = names.get(od.origin, od.origin), names.get(od.destination, od.destination)
        pairs[origin, destination] = (od.corridor or None, od.distance_km)
    for (origin, destination), value in list(pairs.items()):
        pairs.setdefault((destination, origin), value)
    return pa.table(
        {
            "origin": pa.array([o for o, _ in pairs], pa.string()),
            "destination": pa.array([d for _, d in pairs], pa.string()),
            "corridor": pa.array([c for c, _ in pairs.values()], pa.string()),
            "distance_km": pa.array([k for _, k in pairs.values()], KILOMETRES),
        }
    )


def _decimals(table: pa.Table, column: str, kind: pa.DataType) -> pa.Table:
    """`column`, exact decimals written as text, as decimals; NULL stays NULL."""
    values = [None if text in (None, "") else Decimal(text) for text in table[column].to_pylist()]
    return table.set_column(table.schema.get_field_index(column), column, pa.array(values, kind))


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    """Equations that must hold before the file may be published (sql/check/). Errors: BuildRefused."""
    for file in sorted((_SQL / "check").iterdir(), key=lambda entry: entry.name):
        statement = file.read_text(encoding="utf-8")
        if found := connection.execute(statement).fetchall()[0][0]:
            what = statement.splitlines()[0].removeprefix("-- ")
            raise BuildRefused(f"数据仓库自检未通过：{what}（{found}处）。原版本保持不变，请联系系统管理员。")


ROWS = pa.schema(
    [
        ("rows_file", pa.string()),
        ("unit_code", pa.string()),
        ("month", pa.date32()),
        ("sheet", pa.string()),
        ("row_no", pa.int32()),
        ("direction", pa.string()),
        ("mode", pa.string()),
        ("commodity", pa.string()),
        ("origin", pa.string()),
        ("destination", pa.string()),
        ("counterparty", pa.string()),
        ("corridor", pa.string()),
        ("distance_km", KILOMETRES),
        ("tonnes", TONNES),
        ("is_drayage", pa.bool_()),
        ("transfer_station", pa.string()),
        ("loading", pa.string()),
        ("boxes", pa.int32()),
        ("vehicles", pa.int32()),
        ("weighing_basis", pa.string()),
        ("note", pa.string()),
    ]
)
