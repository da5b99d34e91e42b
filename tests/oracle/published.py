"""A world of the oracle as a published snapshot: the same inputs for the other side of the comparison."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from etl.warehouse.build import ROWS, Inputs, build
from etl.warehouse.snapshot import Snapshot

from .tables import tables_from_world
from .world import World

SUBMISSIONS = pa.schema(
    [
        ("submission_id", pa.int64()),
        ("unit_code", pa.string()),
        ("month", pa.date32()),
        ("version", pa.int32()),
        ("received_on", pa.date32()),
        ("accepted_on", pa.date32()),
        ("is_zero", pa.bool_()),
        ("rows_file", pa.string()),
        ("file_sha256", pa.string()),
        ("file_name", pa.string()),
        ("first_received_on", pa.date32()),
        ("row_count", pa.int64()),
    ]
)
STATES = pa.schema(
    [("unit_code", pa.string()), ("month", pa.date32()), ("state", pa.string()), ("received_on", pa.date32())]
)
EVENTS = pa.schema(
    [("date", pa.date32()), ("object_type", pa.string()), ("object", pa.string()), ("note", pa.string())]
)


def snapshot_of(world: World, home: Path) -> Snapshot:
    """Write what the ledger would hand over, build it and open the result."""
    inputs = inputs_of(world, home)
    target = home / "v1.duckdb"
    build(target, inputs, world.declared, world.as_of)
    return Snapshot(target)


def inputs_of(world: World, home: Path) -> Inputs:
    """What the ledger would hand over, with the rows of all returns in one file below `home`."""
    tables = tables_from_world(world)
    kept = _accepted(tables["returns"], world.as_of)
    rows = [movement | {"rows_file": "rows/all.parquet"} for one in kept for movement in one["movements"]]
    (home / "rows").mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist(rows, schema=ROWS).drop_columns(["rows_file"]), home / "rows" / "all.parquet"
    )
    submissions = [
        {name: one.get(name) for name in SUBMISSIONS.names}
        | {
            "rows_file": "rows/all.parquet",
            "file_sha256": "0" * 64,
            "file_name": "oracle.csv",
            "first_received_on": one["received_on"],
            "row_count": len(one["movements"]),
        }
        for one in kept
    ]
    official = [row for row in tables["official"].to_pylist() if row["published_on"] <= world.as_of]
    return Inputs(
        registry=tables["registry"],
        spurs=tables["spurs"],
        submissions=pa.Table.from_pylist(submissions, schema=SUBMISSIONS),
        reports=STATES.empty_table(),
        official=pa.Table.from_pylist(official, schema=tables["official"].schema),
        targets=tables["targets"],
        events=EVENTS.empty_table(),
        home=home,
    )


def _accepted(returns: list[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """The newest version of each unit-month that was accepted by `day`."""
    newest: dict[tuple[str, date], dict[str, Any]] = {}
    for one in sorted(returns, key=lambda entry: entry["version"]):
        if one["accepted_on"] <= day:
            newest[one["unit_code"], one["month"]] = one
    return list(newest.values())
