"""A world from the tables that the ledger hands over and the rows kept beside it, and back again.

Tables are pyarrow; decimals are text. A return is a dict of the accepted unit-month (unit_code, month,
version, received_on, accepted_on, is_zero) with `movements`: its typed rows as dicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Any

import pyarrow as pa

from etl.reference import Declared

from .world import AllocatedTarget, Movement, OfficialValue, RegistryRow, Return, SpurRow, World

EXACT = Context(prec=40, traps=[Inexact])

REGISTRY = pa.schema(
    [
        ("unit_code", pa.string()),
        ("uscc", pa.string()),
        ("name", pa.string()),
        ("county_code", pa.string()),
        ("kind", pa.string()),
        ("industry", pa.string()),
        ("group_name", pa.string()),
        ("is_large", pa.bool_()),
        ("large_basis", pa.string()),
        ("is_new", pa.bool_()),
        ("in_catalogue", pa.bool_()),
        ("approved_tonnes", pa.string()),
        ("period_basis", pa.string()),
        ("production_state", pa.string()),
        ("exemption_basis", pa.string()),
        ("due_from", pa.date32()),
        ("due_to", pa.date32()),
        ("valid_from", pa.date32()),
    ]
)
SPURS = pa.schema(
    [
        ("spur_code", pa.string()),
        ("spur_name", pa.string()),
        ("kind", pa.string()),
        ("owner", pa.string()),
        ("junction", pa.string()),
        ("corridor", pa.string()),
        ("capacity", pa.string()),
        ("state", pa.string()),
        ("opened_on", pa.date32()),
        ("user_code", pa.string()),
        ("relation", pa.string()),
        ("use_from", pa.date32()),
        ("use_to", pa.date32()),
    ]
)
OFFICIAL = pa.schema(
    [
        ("month", pa.date32()),
        ("mode", pa.string()),
        ("object_type", pa.string()),
        ("object", pa.string()),
        ("commodity", pa.string()),
        ("period_kind", pa.string()),
        ("value", pa.string()),
        ("caliber", pa.string()),
        ("operator", pa.string()),
        ("status", pa.string()),
        ("source", pa.string()),
        ("published_on", pa.date32()),
        ("is_public", pa.bool_()),
        ("recorded_at", pa.timestamp("us")),
    ]
)
TARGETS = pa.schema(
    [
        ("year", pa.int32()),
        ("indicator", pa.string()),
        ("object_type", pa.string()),
        ("object", pa.string()),
        ("value", pa.string()),
        ("unit", pa.string()),
        ("responsible", pa.string()),
        ("basis", pa.string()),
    ]
)


def world_from_tables(
    declared: Declared,
    registry: pa.Table,
    spurs: pa.Table,
    returns: Sequence[Mapping[str, Any]],
    official: pa.Table,
    targets: pa.Table,
    as_of: date,
) -> World:
    """The world that the tables describe.

    Columns that no indicator reads may be absent; an empty text and a null mean the same.
    Errors: KeyError for a missing column that is needed; ValueError for text that is no decimal.
    """
    return World(
        declared=declared,
        registry=[_record(RegistryRow, row) for row in registry.to_pylist()],
        spurs=[_record(SpurRow, row) for row in spurs.to_pylist()],
        returns=[_return(row) for row in returns],
        official=[_record(OfficialValue, row) for row in official.to_pylist()],
        targets=[_record(AllocatedTarget, row) for row in targets.to_pylist()],
        as_of=as_of,
    )


def _record(kind: Any, row: Mapping[str, Any]) -> Any:
    """One record of `kind`: text decimals to fractions, null text to empty text, unknown columns left."""
    values: dict[str, Any] = {}
    for column in fields(kind):
        if column.name not in row:
            continue
        cell = row[column.name]
        if column.name in ("approved_tonnes", "capacity", "value"):
            cell = None if cell in (None, "") else Fraction(str(cell))
        elif cell is None and column.type == "str":
            cell = ""
        values[column.name] = cell
    return kind(**values)


def _return(row: Mapping[str, Any]) -> Return:
    return Return(
        unit_code=row["unit_code"],
        month=row["month"],
        version=row["version"],
        received_on=row["received_on"],
        accepted_on=row["accepted_on"],
        is_zero=row["is_zero"],
        movements=tuple(_movement(movement) for movement in row["movements"]),
    )


def _movement(row: Mapping[str, Any]) -> Movement:
    distance = row["distance_km"]
    return Movement(
        direction=row["direction"],
        mode=row["mode"],
        commodity=row["commodity"],
        origin=row["origin"] or None,
        destination=row["destination"] or None,
        counterparty=row["counterparty"] or None,
        corridor=row["corridor"] or None,
        distance_km=None if distance is None else Fraction(distance),
        tonnes=Fraction(row["tonnes"]),
        is_drayage=row["is_drayage"],
        transfer_station=row["transfer_station"] or None,
        loading=row["loading"],
    )


def tables_from_world(world: World) -> dict[str, Any]:
    """The arguments of `world_from_tables` for this world, so that another reader gets the same inputs."""
    return {
        "declared": world.declared,
        "registry": _table(world.registry, REGISTRY),
        "spurs": _table(world.spurs, SPURS),
        "returns": [_return_row(number, kept) for number, kept in enumerate(world.returns, start=1)],
        "official": _table(world.official, OFFICIAL),
        "targets": _table(world.targets, TARGETS),
        "as_of": world.as_of,
    }


def _decimal(number: Fraction) -> Decimal:
    """The same number as a Decimal. Errors: decimal.Inexact where there is none."""
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


def _table(records: Iterable[Any], schema: pa.Schema) -> pa.Table:
    rows = [
        {
            name: format(_decimal(cell), "f") if isinstance(cell, Fraction) else cell
            for name, cell in asdict(record).items()
        }
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _return_row(number: int, kept: Return) -> dict[str, Any]:
    return {
        "submission_id": number,
        "unit_code": kept.unit_code,
        "month": kept.month,
        "version": kept.version,
        "received_on": kept.received_on,
        "accepted_on": kept.accepted_on,
        "is_zero": kept.is_zero,
        "movements": [
            {
                "unit_code": kept.unit_code,
                "month": kept.month,
                "sheet": None,
                "row_no": row_no,
                "direction": row.direction,
                "mode": row.mode,
                "commodity": row.commodity,
                "origin": row.origin,
                "destination": row.destination,
                "counterparty": row.counterparty,
                "corridor": row.corridor,
                "distance_km": None if row.distance_km is None else _decimal(row.distance_km),
                "tonnes": _decimal(row.tonnes),
                "is_drayage": row.is_drayage,
                "transfer_station": row.transfer_station,
                "loading": row.loading,
                "boxes": None,
                "vehicles": None,
                "weighing_basis": None,
                "note": None,
            }
            for row_no, row in enumerate(kept.movements, start=2)
        ],
    }
