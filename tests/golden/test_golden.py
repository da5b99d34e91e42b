"""The published numbers of the demonstration do not move unless somebody says why.

The figures stand in demonstration.txt. Where one has moved with reason, its line there is replaced and
CHANGELOG.md says what moved it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

from flow.demonstration import demonstration

from etl import wording

GOLDEN = Path(__file__).parent / "demonstration.txt"
YEARS = (2023, 2024, 2025, 2026)


def line(entry: dict[str, Any]) -> str:
    """One indicator of the city: value, target, gap and verdict, in units that are read at a glance."""
    is_share = entry["unit"] == "比例"
    in_words = {
        "year": f"{entry['year']}年1—{entry['through']}月",
        "id": entry["id"],
        "value": f"{wording.number(Fraction(entry['value']) * 100, 6)}%"
        if is_share
        else f"{entry['value']}万吨",
        "target": "—" if entry["target"] is None else entry["target"],
        "gap": "—" if entry["gap"] is None else entry["gap"],
        "verdict": entry["verdict"],
        "reports": f"{entry['reports_received']}/{entry['reports_expected']}份",
    }
    return "  ".join(in_words.values())


def test_no_published_number_has_moved():
    kept = [one for one in GOLDEN.read_text(encoding="utf-8").splitlines() if not one.startswith("#")]
    now = [
        line(entry)
        for year in YEARS
        for entry in demonstration().run("indicators", "--year", year, "--json").json["indicators"]
        if entry["id"] in ("K1", "K2", "K3", "K4")
    ]
    moved = [f"{was}  →  {found}" for was, found in zip_longest(kept, now) if was != found]
    assert not moved, "\n".join(["these numbers have moved:", *moved])
