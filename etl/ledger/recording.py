"""How an import is appended, and which row of a key counts on a day.

Nothing is updated: a later import of the same key lies on top of the earlier one, and a look back
(`--as-of`) leaves out what was recorded after that day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from etl.ledger import audit
from etl.ledger.schema import ExactDecimal, add_row, import_run
from etl.periods import month_of, now

BOOKKEEPING = {"import_id", "recorded_on", "recorded_at"}


def record(
    conn: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, str]],
    recorded_on: date,
    source: str,
    actor: str = "系统",
) -> int:
    """Append validated text rows ('' or absent = empty) as one import; returns how many.

    Errors: KeyError for a field that the table does not have, ValueError for a text that does not fit
    its column: both are faults of the caller, which has validated the file.
    """
    columns = [c for c in table.columns if not c.primary_key and c.name not in BOOKKEEPING]
    names = {column.name for column in columns}
    for row in rows:
        if unknown := set(row) - names:
            raise KeyError(f"{table.name}: {', '.join(sorted(unknown))}")
    values = [{column.name: typed(column, row.get(column.name, "")) for column in columns} for row in rows]
    stamp = {"recorded_on": recorded_on, "recorded_at": now()}
    run = {"kind": table.name, "source": source, "row_count": len(rows), "actor": actor} | stamp
    import_id = add_row(conn, import_run, run)
    if values:
        stamp["import_id"] = import_id
        conn.execute(sa.insert(table), [row | stamp for row in values])
    detail = {"rows": len(rows), "source": source, "recorded_on": recorded_on.isoformat()}
    audit.append(conn, actor, "导入", f"{table.name}:{import_id}", detail)
    return len(rows)


def newest_row(table: sa.Table, key: Sequence[str], day: date) -> sa.Subquery:
    """Of each key the row recorded last, among those recorded by `day`."""
    return _first(table, key, table.c.recorded_on <= day, [*_recorded(table), *_last_written(table)])


def newest_import(table: sa.Table, key: Sequence[str], day: date) -> sa.Subquery:
    """Of each key all rows of the import recorded last, among those recorded by `day`."""
    return _first(table, key, table.c.recorded_on <= day, _recorded(table))


def newest_published(table: sa.Table, key: Sequence[str], day: date) -> sa.Subquery:
    """Of each key published by `day` the row recorded last.

    A value is known from its publication, even if it was entered later; but a correction of the same
    publication that was entered after `day` does not displace what had been entered by then.
    """
    by_then = sa.case((table.c.recorded_on <= day, 0), else_=1)
    order = [by_then, *_recorded(table), *_last_written(table)]
    return _first(table, key, table.c.published_on <= day, order)


def columns_of(known: sa.Subquery, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The named columns in order, decimals as text."""
    columns = [known.c[name] for name in names]
    return [sa.cast(c, sa.Text) if isinstance(c.type, ExactDecimal) else c for c in columns]


def _recorded(table: sa.Table) -> list[sa.ColumnElement]:
    return [table.c.recorded_on.desc(), table.c.import_id.desc()]


def _last_written(table: sa.Table) -> list[sa.ColumnElement]:
    return [column.desc() for column in table.primary_key]


def _first(
    table: sa.Table, key: Sequence[str], known: sa.ColumnElement[bool], order: list[sa.ColumnElement]
) -> sa.Subquery:
    # rank, not row_number: rows that the order does not tell apart belong together.
    place = sa.func.rank().over(partition_by=[table.c[name] for name in key], order_by=order)
    placed = sa.select(table, place.label("place")).where(known).subquery()
    return sa.select(placed).where(placed.c.place == 1).subquery()


def typed(column: sa.Column[Any], text: str) -> object:
    """A text as its column holds it, '' as its default or NULL. Errors: ValueError where it does not fit."""
    if text == "":
        if isinstance(column.default, sa.ColumnDefault):
            return column.default.arg
        if column.nullable:
            return None
        raise ValueError(f"{column.name} is empty")
    if isinstance(column.type, sa.Boolean):
        return {"是": True, "否": False}[text]
    if isinstance(column.type, ExactDecimal):
        return Decimal(text)
    if isinstance(column.type, sa.Date):
        return month_of(text) if len(text) == 7 else date.fromisoformat(text)
    if isinstance(column.type, sa.Integer):
        return int(text)
    return text
