"""Units and their spurs (名录, 专用线) as they were known on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import sqlalchemy as sa

from etl.ledger import schema
from etl.ledger.recording import columns_of, newest_import, newest_row
from etl.periods import last_day

REGISTRY = pa.schema(
    {
        "unit_code": pa.string(),
        "uscc": pa.string(),
        "name": pa.string(),
        "county_code": pa.string(),
        "kind": pa.string(),
        "industry": pa.string(),
        "group_name": pa.string(),
        "is_large": pa.bool_(),
        "large_basis": pa.string(),
        "is_new": pa.bool_(),
        "in_catalogue": pa.bool_(),
        "approved_tonnes": pa.string(),
        "period_basis": pa.string(),
        "production_state": pa.string(),
        "exemption_basis": pa.string(),
        "due_from": pa.date32(),
        "due_to": pa.date32(),
        "valid_from": pa.date32(),
    }
)
SPURS = pa.schema(
    {
        "spur_code": pa.string(),
        "spur_name": pa.string(),
        "kind": pa.string(),
        "owner": pa.string(),
        "junction": pa.string(),
        "corridor": pa.string(),
        "capacity": pa.string(),
        "state": pa.string(),
        "opened_on": pa.date32(),
        "user_code": pa.string(),
        "relation": pa.string(),
        "use_from": pa.date32(),
        "use_to": pa.date32(),
    }
)


def registry_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """The registry's rows as known on `day`, all states of a unit in the order of 生效日期.

    Units: approved_tonnes in t per year, as text. Empty: due_from = not due, due_to = open,
    valid_from = from the beginning, in_catalogue = not said. due_from and due_to are first days of months.
    """
    known = newest_row(schema.registry, ("unit_code", "valid_from"), day)
    # The empty 生效日期 comes first by rule, not by how a database sorts nothing.
    order = (known.c.unit_code, known.c.valid_from.is_not(None), known.c.valid_from)
    query = sa.select(*columns_of(known, REGISTRY.names)).order_by(*order)
    return schema.arrow_table(conn.execute(query), REGISTRY)


def spurs_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """Lines and their users as known on `day`, one row for each line, user and time of use.

    `user_code` is the unit code; a uscc written in its place is resolved where one unit has it.
    Units: capacity in 万吨 per year, as text. Empty: use_from, use_to = open.
    """
    known = newest_import(schema.spur, ("spur_code", "user_code"), day)
    # One import's rows of a key stand in the order of its file.
    order = (known.c.spur_code, known.c.user_code, known.c.spur_id)
    query = sa.select(*columns_of(known, SPURS.names)).order_by(*order)
    rows = schema.arrow_table(conn.execute(query), SPURS)
    place = SPURS.get_field_index("user_code")
    users = in_unit_codes(conn, day, rows["user_code"].to_pylist())
    return rows.set_column(place, SPURS.field(place), users)


def in_force(conn: sa.Connection, month: date, day: date) -> dict[str, sa.RowMapping]:
    """Unit code → its row of the registry that holds on the month's last day, as known on `day`.

    Empty: a unit whose first row begins later has none.
    """
    known = newest_row(schema.registry, ("unit_code", "valid_from"), day)
    begun = known.c.valid_from.is_(None) | (known.c.valid_from <= last_day(month))
    order = (known.c.valid_from.is_not(None), known.c.valid_from)
    rows = conn.execute(sa.select(known).where(begun).order_by(*order)).mappings()
    return {row["unit_code"]: row for row in rows}


def unit_codes(conn: sa.Connection, day: date) -> dict[str, str | None]:
    """Each way to name a unit known on `day` (unit code, uscc, name) → its unit code.

    Empty: None for a uscc or a name that several units have.
    """
    known = newest_row(schema.registry, ("unit_code", "valid_from"), day)
    units = conn.execute(sa.select(known.c.unit_code, known.c.uscc, known.c.name).distinct()).all()
    codes: dict[str, str | None] = {}
    for unit_code, *names in units:
        for name in names:
            codes[name] = unit_code if codes.get(name, unit_code) == unit_code else None
    return codes | {unit.unit_code: unit.unit_code for unit in units}


def unit_name(conn: sa.Connection, unit_code: str) -> str:
    """The name of a unit as it was written down last; of an unknown one its code."""
    table = schema.registry
    query = sa.select(table.c.name).where(table.c.unit_code == unit_code).order_by(table.c.registry_id.desc())
    return conn.scalar(query.limit(1)) or unit_code


def in_unit_codes(conn: sa.Connection, day: date, names: Sequence[str]) -> pa.Array:
    """These names of units as unit codes; a name that is unknown or not one unit's stays as it is."""
    codes = unit_codes(conn, day)
    return pa.array([codes.get(name) or name for name in names], pa.string())
