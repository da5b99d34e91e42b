"""A return as its reviewer reads it: what was sent, what its check said, what it changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from etl import filing, pipeline
from etl.ledger import evidence, receipts, registry
from etl.ledger.evidence import KeptCheck
from etl.ledger.receipts import HandedIn
from etl.ledger.schema import reading
from etl.pipeline import Workplace
from etl.sent import sent_rows
from etl.warehouse.preview import Candidate, Preview, preview
from etl.warehouse.scope import NotVisible


@dataclass(frozen=True)
class Case:
    """A return that was handed in. `rows`: number in its file → our header → text, none of a 零申报.

    `check` is cut to this return: where the file has other units or months (`is_shared`) only findings of its
    own rows and of the file as a whole are there, counted as far as they are listed. `county_code`: '' = not
    registered that month.
    """

    sent: HandedIn
    name: str
    county_code: str
    rows: dict[int, dict[str, str]]
    check: KeptCheck
    is_shared: bool


def case(work: Workplace, number: int, counties: frozenset[str] | None = None) -> Case:
    """The return of this number; `counties`, where given, are those of the units that may be read.

    Errors: NotHandedIn for a number that there is not or that is not with the office; NotVisible.
    """
    with reading(work.ledger) as connection:
        sent = receipts.handed_in(connection, number)
        unit = registry.in_force(connection, sent.month, work.today).get(sent.unit_code)
        county = unit["county_code"] if unit is not None else ""
        if counties is not None and county not in counties:
            raise NotVisible("没有这份月报，或当前身份不能查看。")
        check = evidence.check_of(connection, number) or KeptCheck({}, (), "")
        is_shared = len(receipts.naming(connection, sent.sha256, None)) > 1
    rows = sent_rows(work, number)
    if is_shared:
        check = _of_rows(check, set(rows))
    return Case(sent, filing.names(work).get(sent.unit_code, sent.unit_code), county, rows, check, is_shared)


def changes(work: Workplace, sent: HandedIn) -> Preview:
    """A return row by row against the version of its month that counts today. Nothing is stored."""
    rows_path = None if sent.is_zero else work.home / sent.rows_file
    candidate = Candidate(sent.unit_code, sent.month, sent.rows, sent.is_zero, rows_path)
    return preview(pipeline.known_on(work, work.today), work.declared, work.today, candidate)


def _of_rows(check: KeptCheck, rows: set[int]) -> KeptCheck:
    own = tuple(found for found in check.findings if found.row is None or found.row in rows)
    codes = [found.code for found in own]
    return replace(check, findings=own, totals={code: codes.count(code) for code in dict.fromkeys(codes)})
