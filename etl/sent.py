"""A return that was handed in, as rows that a clerk can go on with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq

from etl.intake.fields import RETURN_FIELDS
from etl.ledger import receipts
from etl.ledger.schema import reading
from etl.listing import plain
from etl.pipeline import Workplace


def sent_rows(work: Workplace, submission_id: int) -> dict[int, dict[str, str]]:
    """The rows of a return as it was handed in last, by their number in its file: our header → text, those of
    the head block left out.

    Empty: a 零申报. Errors: NotHandedIn.
    """
    with reading(work.ledger) as connection:
        sent = receipts.handed_in(connection, submission_id)
    if sent.is_zero:
        return {}
    rows = pq.read_table(
        work.home / sent.rows_file,
        filters=[("unit_code", "=", sent.unit_code), ("month", "=", sent.month)],
    )
    fields = [field for field in RETURN_FIELDS if not field.in_head_block]
    return {
        row["row_no"]: {field.header: _typed(field.name, row) for field in fields}
        for row in rows.sort_by("row_no").to_pylist()
    }


def _typed(name: str, row: dict[str, Any]) -> str:
    """A cell of a stored row as a clerk would type it."""
    if name == "drayage":
        return "是" if row["is_drayage"] else ""
    value = row[name]
    if isinstance(value, Decimal):
        return plain(value) or ""
    return "" if value is None else str(value)
