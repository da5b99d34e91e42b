"""What the check of one file says: its findings, counted in full and listed in part, and its unit-months."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from etl.intake import rules
from etl.intake.finding import Finding
from etl.intake.rules import RULES

LISTED_PER_CODE = 200
SHOWN_VALUE = 100
# What cannot be told: whose row it is, or of which month.
UNKNOWN = "?"


@dataclass(frozen=True)
class UnitMonth:
    """One unit's month without a 强制 finding. tonnes and rows without 零申报 rows, both 0 for one."""

    unit_code: str
    month: date
    rows: int
    tonnes: Decimal
    is_zero: bool
    content_hash: str
    rows_file: str


@dataclass(frozen=True)
class CheckResult:
    """What the check of one file says. `totals` are exact, `findings` capped per code."""

    path: Path
    file_name: str
    accepted: bool
    rows: int
    tonnes: Decimal
    months: tuple[str, ...]
    findings: tuple[Finding, ...]
    totals: dict[str, int]
    unit_months: tuple[UnitMonth, ...]
    refused: tuple[tuple[str, str], ...]
    encoding: str | None
    rule_version: str

    def to_json(self) -> dict[str, object]:
        """`check --json`: decimals as text; `capped` says which codes are listed in part."""
        listed: dict[str, int] = {}
        for found in self.findings:
            listed[found.code] = listed.get(found.code, 0) + 1
        return {
            "accepted": self.accepted,
            "rows": self.rows,
            "tonnes": str(self.tonnes),
            "months": list(self.months),
            "findings": [found.to_json() for found in self.findings],
            "totals": dict(self.totals),
            "capped": {code: listed[code] for code in listed if listed[code] < self.totals[code]},
        }


def refused_result(path: Path, found: Finding, encoding: str | None = None) -> CheckResult:
    """The result for a file that cannot be read: one finding, no row."""
    return CheckResult(
        path, path.name, False, 0, Decimal(0), (), (found,), {found.code: 1}, (),
        ((UNKNOWN, UNKNOWN),), encoding, rules.VERSION,
    )  # fmt: skip


class Tally:
    """Findings as they come: exact totals, lists capped per code."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.listed: dict[str, int] = {}

    def add(self, found: Finding) -> None:
        self.count(found.code, 1)
        self.show(found)

    def count(self, code: str, number: int) -> None:
        self.totals[code] = self.totals.get(code, 0) + number

    def show(self, found: Finding) -> None:
        """List a finding that is already counted, as far as the cap allows."""
        if self.listed.get(found.code, 0) < LISTED_PER_CODE:
            self.listed[found.code] = self.listed.get(found.code, 0) + 1
            value = found.value
            if value is not None and len(value) > SHOWN_VALUE:
                short = value[:SHOWN_VALUE] + "…"
                found = replace(
                    found, value=short,
                    message=found.message.replace(value, short), remedy=found.remedy.replace(value, short),
                )  # fmt: skip
            self.findings.append(found)

    def in_reading_order(self) -> tuple[Finding, ...]:
        """By rule, then row; the last one listed of a capped code says how many there are."""
        order = {rule.code: index for index, rule in enumerate(RULES)}
        ordered = sorted(self.findings, key=lambda found: (order[found.code], found.row or 0))
        for index, found in enumerate(ordered):
            is_last = index + 1 == len(ordered) or ordered[index + 1].code != found.code
            total, listed = self.totals[found.code], self.listed[found.code]
            if is_last and listed < total:
                note = f"（同类共{total}处，只列出{listed}处）"
                ordered[index] = replace(found, message=found.message + note)
        self.totals = {rule.code: self.totals[rule.code] for rule in RULES if rule.code in self.totals}
        return tuple(ordered)
