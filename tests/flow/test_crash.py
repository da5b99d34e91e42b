"""A real `kill -9` in the middle: what was published is served, what was recorded is whole, the next run works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from etl.ledger import audit, heads, jobs, submissions
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of
from etl.warehouse.build import sql_statements

from . import story
from .command import Desk
from .story import RECEIVED, A, B, C

ROOT = Path(__file__).parents[2]

# The build stops where it is told to, says so, and waits for a word that never comes.
BUILD = """
import sys
from etl import pipeline
from etl.cli import workplace
from etl.warehouse import publish

def stop_at(name, done=0, whole=0):
    if name == sys.argv[1]:
        print(name, flush=True)
        sys.stdin.readline()

def point_to(home, target):
    stop_at("before the pointer moves")
    real(home, target)

real, publish.point_to = publish.point_to, point_to
pipeline.publish_build(workplace(), progress=stop_at)
"""
LOAD = """
import sys
from pathlib import Path
from etl import pipeline
from etl.cli import workplace

def stop_at(name, done, whole):
    if name == sys.argv[1]:
        print(name, flush=True)
        sys.stdin.readline()

if __name__ == "__main__":
    for loaded in pipeline.load(workplace(), [Path(p) for p in sys.argv[2:]], progress=stop_at):
        pass
"""
# An approval of two returns by the city, then the build that it asks for, in one process.
APPROVE = """
import sys
from etl import builds, filing
from etl.cli import workplace
from etl.ledger import audit, jobs, review
from etl.warehouse import publish

def stop_at(name, done=0, whole=0):
    if name == sys.argv[1]:
        print(name, flush=True)
        sys.stdin.readline()

def before(module, name, stop):
    real = getattr(module, name)
    def stopping(*arguments, **options):
        stop_at(stop)
        return real(*arguments, **options)
    setattr(module, name, stopping)

def after(module, name, stop):
    real = getattr(module, name)
    def stopping(*arguments, **options):
        answer = real(*arguments, **options)
        stop_at(stop)
        return answer
    setattr(module, name, stopping)

after(review, "decide", "one of two decided")
before(jobs, "request_build", "both decided")
after(jobs, "request_build", "asked, not committed")
after(jobs, "begin", "job begun, not committed")
before(publish, "next_path", "job begun")
before(publish, "put", "built")
before(publish, "point_to", "named")
after(publish, "point_to", "pointed")
before(jobs, "end", "answered, not committed")

def answer(work, request):
    stop_at("committed")
    builds.publish_open(work, stop_at)
    return jobs.Job(0, "", "", None, None, "", "", {})

builds.answer = answer
filing.approve(workplace(), [int(number) for number in sys.argv[2:]])
"""
ACCEPT_STEPS = ("one of two decided", "both decided", "asked, not committed")
PUBLISH_STEPS = (
    "committed", "job begun, not committed", "job begun", *(name for name, _ in sql_statements()), "built", "named",
    "pointed", "answered, not committed",
)  # fmt: skip

# Where the ledger is in the middle of something; in between it makes no difference what it lies in.
LEDGER_STEPS = (*ACCEPT_STEPS, "committed", "job begun, not committed", "pointed", "answered, not committed")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Path:
    """A's months are loaded and published as v1."""
    base = tmp_path_factory.mktemp("published")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    assert desk.run("load", base / "files" / "a.csv", "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    return base


@pytest.fixture
def desk(published: Path, tmp_path: Path) -> Desk:
    """A copy of it, to be hurt."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path / "home", tmp_path / "data")


def killed_at(desk: Desk, script: Path, stop: str, *arguments: object) -> None:
    """Run the script until it says that it stands at `stop`, then kill it as a power cut would."""
    with subprocess.Popen(
        [sys.executable, str(script), stop, *map(str, arguments)],
        env={**os.environ, **desk.environment, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"{stop}\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL


@pytest.fixture
def script(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    file = tmp_path / "child.py"
    file.write_text(request.param, encoding="utf-8")
    return file


def k2(desk: Desk) -> tuple[str, str]:
    """The version served and the tonnes of K2."""
    found = desk.run("indicators", "--year", 2025, "--json").json
    return found["snapshot"], next(e["denominator"] for e in found["indicators"] if e["id"] == "K2")


@pytest.mark.parametrize("script", [BUILD], indirect=True)
@pytest.mark.parametrize("stop", ["dim_month", "cube", "before the pointer moves"])
def test_a_build_killed_in_the_middle(desk: Desk, tmp_path: Path, script: Path, stop: str):
    """The amendment is in the ledger, not in what is served; the next build brings it."""
    assert desk.run("load", tmp_path / "files" / "a-更正.csv", "--received", RECEIVED).code == 0
    killed_at(desk, script, stop)
    warehouse = desk.home / "warehouse"
    left = {file.name for file in warehouse.iterdir()} - {".lock", "CURRENT", "v1.duckdb"}
    if stop == "before the pointer moves":
        assert left == {"v2.duckdb"}
    else:
        assert "v2.duckdb.building" in left
        assert "v2.duckdb" not in left
    assert k2(desk) == ("v1", "1800")
    run = desk.run("build", "--json")
    assert (run.code, "Traceback" in run.err) == (0, False)
    assert k2(desk) == (run.json["snapshot"], "2200")
    assert not list(warehouse.glob("*.building*"))


@pytest.mark.parametrize("script", [LOAD], indirect=True)
def test_a_load_killed_between_two_files(desk: Desk, tmp_path: Path, script: Path):
    """The first file is recorded whole, the second not at all; loading both again brings what is missing."""
    files = [tmp_path / "files" / "a-更正.csv", tmp_path / "files" / "bc.csv"]
    killed_at(desk, script, "bc.csv", *files)
    february = month_of("2025-02")
    with reading(open_ledger(desk.home)) as connection:
        rows = submissions.accepted_as_of(connection, month_of("2025-04")).to_pylist()
        assert audit.broken(connection) == []
    assert {(row["unit_code"], row["month"], row["version"]) for row in rows} == {
        (A, month_of("2025-01"), 1),
        (A, february, 2),
    }
    run = desk.run("load", *files, "--json")
    assert (run.code, run.json["accepted"], run.json["unchanged"]) == (0, 3, 1)
    assert desk.run("build").code == 0
    received = {
        entry["object"]: entry["reports_received"]
        for entry in desk.run("indicators", "--year", 2025, "--by", "enterprise", "--json").json["indicators"]
        if entry["id"] == "K5"
    }
    assert {unit: received[unit] for unit in (A, B, C)} == {A: 2, B: 1, C: 2}


@pytest.mark.parametrize("script", [APPROVE], indirect=True)
@pytest.mark.parametrize(
    "backend, stop",
    [
        *(("sqlite", stop) for stop in (*ACCEPT_STEPS, *PUBLISH_STEPS)),
        *(("postgresql", stop) for stop in LEDGER_STEPS),
    ],
    indirect=["backend"],
)
def test_an_approval_killed_at_each_step(handed_in: Desk, script: Path, stop: str):
    """Two returns: both are 通过 or neither; what is served is the old version or the new one, and whole; what was
    asked for is still asked for until a build has answered it, and the next build brings it."""
    desk = handed_in
    killed_at(desk, script, stop, 2, 3)
    with reading(open_ledger(desk.home)) as connection:
        states = connection.exec_driver_sql("select state from submission where submission_id in (2, 3)")
        found = set(states.scalars())
        waiting = jobs.open_requests(connection)
        # The head outside may lag by what was committed last, and is never ahead.
        assert audit.faults(connection, heads.read(desk.home).heads) == []
    is_accepted = stop in PUBLISH_STEPS
    assert found == {"通过" if is_accepted else "已上报"}
    assert waiting == int(is_accepted)
    is_pointed = PUBLISH_STEPS.index(stop) >= PUBLISH_STEPS.index("pointed") if is_accepted else False
    assert k2(desk) == (("v2", "1800") if is_pointed else ("v1", "1000"))
    run = desk.run("build", "--json")
    assert (run.code, "Traceback" in run.err) == (0, False)
    assert k2(desk) == (run.json["snapshot"], "1800" if is_accepted else "1000")
    with reading(open_ledger(desk.home)) as connection:
        assert jobs.open_requests(connection) == 0
        assert [job.outcome for job in jobs.newest(connection, 9)].count(jobs.Outcome.RUNNING) == 0
    assert not list((desk.home / "warehouse").glob("*.building*"))


@pytest.fixture(scope="module")
def two_returns(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Path:
    """A's January is published as v1; its February and B's January are handed in as 2 and 3."""
    base = tmp_path_factory.mktemp("two")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    returns = {
        "一月": story.ROWS_OF_A[:2],
        "二月": story.ROWS_OF_A[2:4],
        "乙": [story.row(B, "2025-01", "公路", "200", 货类="焦炭", 通道="同蒲", 运距公里="700")],
    }
    for name, rows in returns.items():
        file = base / f"{name}.csv"
        file.write_text(story.csv_text(rows), encoding="utf-8")
        command = ("load", file, "--received", RECEIVED) if name == "一月" else ("submit", file)
        assert desk.run(*command).code == 0
    assert desk.run("build").code == 0
    return base


@pytest.fixture
def handed_in(two_returns: Path, tmp_path: Path) -> Desk:
    """A copy of it, to be hurt."""
    shutil.copytree(two_returns, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path / "home", tmp_path / "data")
