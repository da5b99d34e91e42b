"""What units have reported before, as far as the plausibility rules ask for it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from etl.intake.statements import statement

# One row a flow of an accepted month; a month without traffic is one row with mode NULL and 0 tonnes.
FLOWS = pa.schema([
    ("unit_code", pa.string()), ("month", pa.date32()), ("mode", pa.string()),
    ("direction", pa.string()), ("commodity", pa.string()), ("tonnes", pa.decimal128(38, 3)),
])  # fmt: skip


@dataclass(frozen=True)
class History:
    """`flows`: columns of FLOWS. `spurs`: those of `registry.spurs_as_of`."""

    flows: pa.Table
    spurs: pa.Table

    def of(self, _units: Set[str]) -> History:
        """Itself: it was made for these units."""
        return self


class Past(Protocol):
    """Where a check gets the history of the units that it has met in a file."""

    def of(self, units: Set[str], /) -> History: ...


@dataclass(frozen=True)
class AcceptedRows:
    """The history as it lies in the run-time folder; read only for the units that are asked for.

    `accepted`: the columns of `submissions.accepted_as_of`. Crosses into the child process as it is.
    """

    home: Path
    accepted: pa.Table
    spurs: pa.Table

    def of(self, units: Set[str], /) -> History:
        """The accepted months of these units. Errors: duckdb.Error where a file of rows is gone."""
        wanted = [row for row in self.accepted.to_pylist() if row["unit_code"] in units]
        accepted = pa.table(
            {
                "unit_code": pa.array([row["unit_code"] for row in wanted], pa.string()),
                "month": pa.array([row["month"] for row in wanted], pa.date32()),
                "file": pa.array([str(self.home / row["rows_file"]) for row in wanted], pa.string()),
            }
        )
        files = sorted({str(self.home / row["rows_file"]) for row in wanted if row["rows_file"]})
        with duckdb.connect() as con:
            con.register("accepted", accepted)
            con.register("moved", self._moved(con, files, units))
            flows = con.sql(statement("past/flows")).to_arrow_table()
        return History(flows.cast(FLOWS), self.spurs)

    def _moved(self, con: duckdb.DuckDBPyConnection, files: list[str], units: Set[str]) -> pa.Table:
        if not files:
            return pa.schema([*FLOWS, pa.field("file", pa.string())]).empty_table()
        parameters = {"files": files, "units": sorted(units)}
        return con.sql(statement("past/moved"), params=parameters).to_arrow_table()
