"""Two offices at two machines: commands of their own processes write at the same time, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl.ledger import heads, submissions
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of

from . import story
from .command import Desk
from .story import A, B

ROOT = Path(__file__).parents[2]
# So many hand in the same number of months each, one return a call.
MONTHS = [f"2025-{number:02}" for number in range(1, 4)]
# One process for all calls of an office: what is tried is the writing, not the starting.
OFFICE = """
import sys
from unittest import mock
from etl import cli

sys.stdin.readline()
for file in sys.argv[1:]:
    with mock.patch.object(sys, "argv", ["railshift", "submit", file, "--json"]):
        try:
            cli.main()
        except SystemExit as left:
            if left.code:
                raise
"""


@pytest.fixture
def desk(tmp_path: Path, backend: str) -> Desk:
    desk = Desk(tmp_path / "home", story.declared_data(tmp_path / "data"), today="2025-08-01")
    story.write_files(tmp_path / "files")
    story.import_tables(desk, tmp_path / "files")
    return desk


def test_what_two_offices_hand_in_at_once_is_all_there(desk: Desk, tmp_path: Path):
    offices = []
    for unit in (A, B):
        files = []
        for month in MONTHS:
            file = tmp_path / f"{unit}-{month}.csv"
            file.write_text(story.csv_text([story.row(unit, month, "铁路", "700")]), encoding="utf-8")
            files.append(str(file))
        offices.append(
            subprocess.Popen(
                [sys.executable, "-c", OFFICE, *files],
                env={**os.environ, **desk.environment, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for office in offices:
        assert office.stdin is not None
        office.stdin.write("\n")
        office.stdin.flush()
    for office in offices:
        out, err = office.communicate(timeout=300)
        assert office.returncode == 0, out + err
    engine = open_ledger(desk.home)
    with reading(engine) as conn:
        found = submissions.submissions_as_of(conn, month_of("2025-08")).to_pylist()
    engine.dispose()
    assert sorted((one["unit_code"], f"{one['month']:%Y-%m}", one["state"]) for one in found) == sorted(
        (unit, month, "已上报") for unit in (A, B) for month in MONTHS
    )
    proof = desk.run("verify", "--json")
    assert (proof.code, proof.json["problems"], proof.json["returns"]) == (0, [], 2 * len(MONTHS))
    noted = {one.number for one in heads.read(desk.home).heads}
    assert proof.json["entries"] in noted
    # Each transaction with an entry left its line: two entries for each return (暂存, 已上报) in one.
    assert len(noted) > 2 * len(MONTHS)
