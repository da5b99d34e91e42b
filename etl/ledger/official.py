"""What others publish or decide: official series, allocated targets, events (官方数, 分解目标, 事件)."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import sqlalchemy as sa

from etl.ledger import schema
from etl.ledger.recording import columns_of, newest_published, newest_row
from etl.ledger.registry import in_unit_codes
from etl.periods import SHANGHAI

OFFICIAL_KEY = (
    "month",
    "mode",
    "object_type",
    "object",
    "commodity",
    "period_kind",
    "caliber",
    "operator",
    "status",
    "published_on",
)
TARGET_KEY = ("year", "indicator", "object_type", "object")
EVENT_KEY = ("date", "object_type", "object", "note")

OFFICIAL = pa.schema(
    {
        "month": pa.date32(),
        "mode": pa.string(),
        "object_type": pa.string(),
        "object": pa.string(),
        "commodity": pa.string(),
        "period_kind": pa.string(),
        "value": pa.string(),
        "caliber": pa.string(),
        "operator": pa.string(),
        "status": pa.string(),
        "source": pa.string(),
        "published_on": pa.date32(),
        "is_public": pa.bool_(),
        "recorded_at": pa.timestamp("us"),
    }
)
TARGETS = pa.schema(
    {
        "year": pa.int32(),
        "indicator": pa.string(),
        "object_type": pa.string(),
        "object": pa.string(),
        "value": pa.string(),
        "unit": pa.string(),
        "responsible": pa.string(),
        "basis": pa.string(),
    }
)
EVENTS = pa.schema(
    {
        "date": pa.date32(),
        "object_type": pa.string(),
        "object": pa.string(),
        "note": pa.string(),
    }
)


def official_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """Every vintage published by `day`: one row for each status and 发布日期 of a value.

    Which of them wins is the warehouse's to say. Units: value in 万吨, as text; recorded_at is
    Shanghai time without a zone.
    """
    known = newest_published(schema.official, OFFICIAL_KEY, day)
    order = (known.c[name] for name in OFFICIAL_KEY)
    query = sa.select(*columns_of(known, OFFICIAL.names)).order_by(*order)
    # The clock stands last; a warehouse column with a zone would need a zone library to be read.
    rows = [(*row[:-1], row[-1].astimezone(SHANGHAI).replace(tzinfo=None)) for row in conn.execute(query)]
    return schema.arrow_table(rows, OFFICIAL)


def targets_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """Allocated targets as known on `day`; an enterprise is named by its unit code."""
    known = newest_row(schema.target, TARGET_KEY, day)
    order = (known.c[name] for name in TARGET_KEY)
    query = sa.select(*columns_of(known, TARGETS.names)).order_by(*order)
    return _with_unit_codes(conn, day, schema.arrow_table(conn.execute(query), TARGETS))


def events_as_of(conn: sa.Connection, day: date) -> pa.Table:
    """Events as known on `day`, in the order of their date; an enterprise is named by its unit code."""
    known = newest_row(schema.event, EVENT_KEY, day)
    columns = columns_of(known, EVENTS.names)
    query = sa.select(*columns).order_by(*columns)
    return _with_unit_codes(conn, day, schema.arrow_table(conn.execute(query), EVENTS))


def _with_unit_codes(conn: sa.Connection, day: date, rows: pa.Table) -> pa.Table:
    """The rows with each 企业 under its unit code; it may have been written as uscc or name."""
    kinds, names = rows["object_type"].to_pylist(), rows["object"].to_pylist()
    coded = in_unit_codes(conn, day, names).to_pylist()
    objects = [code if kind == "企业" else name for kind, name, code in zip(kinds, names, coded, strict=True)]
    place = rows.schema.get_field_index("object")
    return rows.set_column(place, rows.schema.field(place), pa.array(objects, pa.string()))
