"""A change of the catalogue against all stored files: who newly fails, and who no longer does.

The files lie in tests/files, what their check must find in expected.csv beside them (make_files.py
makes both). A red line here is the list that a change of rules is judged by: meant, or a mistake.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from files.make_files import CASES, COLUMNS, EXPECTED, HERE, SUFFIXES, expected_rows
from returns import check_file

from etl.intake import rules
from etl.intake.finding import MUST
from etl.intake.rules import BY_CODE, RULES

Found = Counter[tuple[str, str, str, str]]
NAMES = sorted(CASES)
# Found by the caller's knowledge (own units, month, history, layout) or at sizes no stored file should have.
NOT_IN_A_FILE = {
    "S002", "S007", "S008", "S009", "S011", "S114", "S120", "S121", "I009", "C004",
    "H001", "H002", "H003", "H004", "H005", "P001",
}  # fmt: skip


def stored() -> dict[str, Found]:
    """File → its findings as expected.csv has them: code, severity, row, column."""
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    assert tuple(header) == COLUMNS
    found: dict[str, Found] = {name: Counter() for name, *_ in rows}
    for name, code, severity, row, column in rows:
        if code:
            found[name][code, severity, row, column] += 1
    return found


def found_in(path: Path) -> Found:
    findings = check_file(path).findings
    return Counter((f.code, f.severity, str(f.row or ""), f.column or "") for f in findings)


def differences(names: list[str]) -> Iterator[str]:
    """One line for each finding that is new or gone, the file first; newly refused files are marked."""
    expected = stored()
    for name in names:
        found = found_in(HERE / name)
        new, gone = found - expected[name], expected[name] - found
        was_refused = any(severity == MUST for _, severity, *_ in expected[name])
        is_refused = any(severity == MUST for _, severity, *_ in found)
        mark = "，不再受理" if is_refused and not was_refused else ""
        for sign, changed in (("新增", new), ("不再有", gone)):
            for code, severity, row, column in sorted(changed.elements()):
                yield f"{name}{mark}：{sign} {code} {severity} 行{row or '—'} 列{column or '—'}"


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_file_has_its_findings_and_no_other(name: str):
    assert list(differences([name])) == []


def test_the_files_are_those_that_the_script_makes():
    """Rules or cases changed without the script: run it, and look at what it changes."""
    assert len(NAMES) >= 60
    on_disk = {file.name for file in HERE.iterdir() if file.suffix in SUFFIXES}
    assert on_disk - {EXPECTED.name} == set(NAMES)
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        assert [tuple(row) for row in csv.reader(lines)] == [COLUMNS, *expected_rows()]
    for name, case in CASES.items():
        # A workbook carries the time of its making; all else is the same to the byte.
        if not case.content.startswith(b"PK"):
            assert (HERE / name).read_bytes() == case.content, name
    assert sum(file.stat().st_size for file in HERE.iterdir() if file.is_file()) < 600_000


def test_every_rule_that_a_file_can_break_is_broken_by_one():
    in_files = {code for found in stored().values() for code, *_ in found}
    assert in_files == {rule.code for rule in RULES} - NOT_IN_A_FILE


def test_a_tighter_bound_shows_who_newly_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "BELT_LIMIT_KM", "24.999")
    assert list(differences(NAMES)) == ["好-皮带二十五公里.csv：新增 C012 核实 行2 列运距公里"]


def test_a_higher_severity_shows_who_is_newly_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(BY_CODE, "C011", replace(BY_CODE["C011"], severity=MUST))
    assert list(differences(NAMES)) == [
        "核实-其他通道.csv，不再受理：新增 C011 强制 行2 列通道",
        "核实-其他通道.csv，不再受理：不再有 C011 核实 行2 列通道",
    ]
