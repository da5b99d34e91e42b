"""What is fuzzed: bytes in, and what must hold of whatever comes out.

An input is a file as a clerk may upload it, or, by its first line, the text of a mapping with a file
(`[mapping]`), or one cell (`[cell]`). A target returns when all is well; any exception is a finding.
"""

from __future__ import annotations

import json
import re
import tempfile
import zlib
from datetime import date
from decimal import Decimal
from pathlib import Path

from etl.intake import words as w
from etl.intake.check import check_in_process
from etl.intake.finding import MUST, Finding, Refusal
from etl.intake.mapping import Mapping, apply, read_mapping
from etl.intake.mends import find_mends
from etl.intake.receive import read_text_table
from etl.intake.result import LISTED_PER_CODE, CheckResult
from etl.intake.returned import returned
from etl.intake.rules import BY_CODE
from etl.reference import Declared

CELL, MAPPING, FILE_BELOW = b"[cell]\n", b"[mapping]\n", b"\n[file]\n"
CHINESE = re.compile("[\u4e00-\u9fff]")
LONGEST = 1_000


class Targets:
    """The targets over one city's declared data and registry."""

    def __init__(self, declared: Declared, registry, today: date) -> None:
        self.declared, self.registry, self.today = declared, registry, today
        self.readers = w.readers(declared, {}, None)

    def __call__(self, data: bytes) -> None:
        """Any input, to the target that its first line names. Errors: whatever is wrong."""
        if data.startswith(CELL):
            self.cell(data.removeprefix(CELL).decode("utf-8", "replace"))
        elif data.startswith(MAPPING):
            text, _, content = data.removeprefix(MAPPING).partition(FILE_BELOW)
            self.mapping(text.decode("utf-8", "replace"), content)
        else:
            self.file(data)

    def file(self, content: bytes, mapping: Mapping | None = None) -> None:
        """A file checked; if it could be read, its mends and its report, too."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "月报.csv"
            path.write_bytes(content)
            result = check_in_process(
                path, self.declared, self.registry, mapping=mapping, today=self.today,
                rows_folder=Path(folder) / "rows",
            )  # fmt: skip
            holds(result)
            # The report costs three times the check, so a quarter of the inputs have to do, always the same.
            if result.rows == 0 or zlib.crc32(content) % 4:
                return
            mends = find_mends(path, self.declared, self.registry, mapping=mapping, answers=("S112",))
            report = returned(path, result, mapping=mapping, mends=mends)
            path.write_bytes(report)
            holds(check_in_process(path, self.declared, self.registry, mapping=mapping, today=self.today))

    def mapping(self, text: str, content: bytes) -> None:
        """A mapping read, and applied to a file in both ways."""
        try:
            mapping = read_mapping(text)
        except Refusal as refusal:
            holds_of_finding(refusal.finding)
            return
        self.file(content, mapping)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "表.csv"
            path.write_bytes(content)
            try:
                apply(read_text_table(path, mapping), mapping)
            except Refusal as refusal:
                holds_of_finding(refusal.finding)

    def cell(self, text: str) -> None:
        """A cell read by every reader: what was read is read again as the same."""
        for name, read in self.readers.items():
            word = read(text)
            if word.value is None:
                continue
            assert read(word.value).value == word.value, (name, text, word)
            if name in w.NUMBERS:
                number = Decimal(word.value)
                whole, places, _ = w.NUMBERS[name]
                assert 0 <= number < 10**whole, (name, text, word)
                assert number == number.quantize(Decimal(1).scaleb(-places)), (name, text, word)
            elif name == "month":
                date.fromisoformat(f"{word.value}-01")


def holds(result: CheckResult) -> None:
    """What every result promises. Errors: AssertionError."""
    listed: dict[str, int] = {}
    for found in result.findings:
        holds_of_finding(found)
        listed[found.code] = listed.get(found.code, 0) + 1
    assert listed.keys() == result.totals.keys()
    for code, number in listed.items():
        assert number == min(result.totals[code], LISTED_PER_CODE), (code, number, result.totals[code])
    assert result.accepted == (not any(found.severity == MUST for found in result.findings))
    assert result.rows >= sum(group.rows for group in result.unit_months)
    assert result.tonnes >= sum(group.tonnes for group in result.unit_months) >= 0
    assert result.rows > 0 or (not result.accepted and not result.unit_months)
    json.dumps(result.to_json()).encode()


def holds_of_finding(found: Finding) -> None:
    """Severity, place, Chinese words and a remedy of every finding. Errors: AssertionError."""
    assert found.severity == BY_CODE[found.code].severity
    assert CHINESE.search(found.message)
    assert CHINESE.search(found.remedy)
    assert len(found.message) < LONGEST
    assert len(found.remedy) < LONGEST
    assert found.row is None or found.row >= 1
    assert "Traceback" not in found.message
