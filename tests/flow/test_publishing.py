"""Publishing in a process of its own: single-flight, nothing asked for is lost, a failure leaves the old version.

As in test_submit: A's January is published; its February waits for review, and B's January.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from fractions import Fraction as F
from pathlib import Path

import pytest

from etl import builds, pipeline
from etl.ledger import jobs
from etl.ledger.jobs import Outcome
from etl.ledger.schema import open_ledger, reading
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import CITY
from etl.warehouse import publish
from etl.warehouse.publish import BuildRunning
from etl.warehouse.snapshot import current

from . import story
from .command import Desk
from .story import RECEIVED, B
from .test_submit import FEBRUARY, JANUARY, number, share, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Desk:
    base = tmp_path_factory.mktemp("publishing")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    assert desk.run("load", write(base / "january.csv", JANUARY), "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    assert number(desk.run("submit", write(base / "二月.csv", FEBRUARY), "--json")) == 2
    b = [story.row(B, "2025-01", "公路", "200", 货类="焦炭", 通道="同蒲", 运距公里="700")]
    assert number(desk.run("submit", write(base / "乙.csv", b), "--json")) == 3
    return desk


@pytest.fixture
def desk(handed_in: Desk, tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    shutil.copytree(handed_in.home, home)
    return Desk(home, handed_in.data)


def work_of(desk: Desk) -> Workplace:
    return Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))


def approving(desk: Desk, id_: int) -> subprocess.Popen[str]:
    """`review approve` in a shell of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "etl.cli", "review", "approve", str(id_), "--json"],
        env={**os.environ, **desk.environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def wait_for(condition) -> None:
    """Until it holds; a test that waits too long says so instead of hanging."""
    give_up = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.05)


def builds_of(desk: Desk) -> list[jobs.Job]:
    return pipeline.jobs_run(work_of(desk), kind=jobs.BUILD)


def test_one_build_answers_all_that_was_asked_while_another_ran(desk: Desk):
    """Two approvals while a third party builds: both wait, both are published, by one build."""
    work, before = work_of(desk), len(builds_of(desk))
    with publish.single_flight(desk.home):
        both = [approving(desk, id_) for id_ in (2, 3)]
        wait_for(lambda: pipeline.build_state(work).waiting == 2)
        assert share(desk) == F(900, 1000)
    answers = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert all('"unpublished": null' in answer for answer in answers)
    assert share(desk) == F(1600, 1800)
    with reading(work.ledger) as connection:
        by = connection.exec_driver_sql("select job_id from build_request").scalars().all()
    assert None not in by
    assert len(builds_of(desk)) - before == len(set(by)) == 1
    # Who asked for it, once; what nobody asked for is the staff's own.
    assert [job.actor for job in builds_of(desk)] == [CITY.name, *[pipeline.STAFF] * before]
    assert pipeline.build_state(work).waiting == 0


def test_what_is_asked_during_a_build_is_built_after_it(desk: Desk, monkeypatch):
    """The request comes when the inputs are read already: the same owner builds again."""
    work = work_of(desk)
    monkeypatch.setenv("RAILSHIFT_TODAY", desk.today)
    approved = []

    def approve_meanwhile(name: str, done: int, whole: int) -> None:
        if not approved:
            approved.append(name)
            run = desk.run("review", "approve", 2, "--no-wait", "--json")
            assert (run.code, run.json["building"], run.json["snapshot"]) == (0, True, None)
            # The process that it started finds the lock taken and ends.
            wait_for(lambda: not [t for t in builds.threading.enumerate() if t.name == "railshift-build"])

    pipeline.publish_build(work, progress=approve_meanwhile)
    assert (share(desk), pipeline.build_state(work).waiting) == (F(900, 1000), 1)
    assert builds.publish_open(work) is not None
    assert (share(desk), pipeline.build_state(work).waiting) == (F(1600, 1800), 0)
    assert builds.publish_open(work) is None


def test_without_waiting_it_is_published_all_the_same(desk: Desk):
    old = current(desk.home)
    run = desk.run("review", "approve", 2, "--no-wait")
    assert (run.code, "正在发布" in run.out) == (0, True)
    wait_for(lambda: current(desk.home) is not old)
    wait_for(lambda: pipeline.build_state(work_of(desk)).waiting == 0)
    assert share(desk) == F(1600, 1800)
    # A reader keeps the version that it opened.
    assert old.rows("meta")[0]["is_demo"] is False


def test_a_failed_build_leaves_the_old_version_and_a_message(desk: Desk, tmp_path: Path):
    """Accepted rows are gone from the disk: the approval stands, staff are told, the next build brings it."""
    rows = tmp_path / "aside"
    (desk.home / "rows").rename(rows)
    (desk.home / "rows").mkdir()
    run = desk.run("review", "approve", 2)
    assert (run.code, "已通过" in run.out, "Traceback" in run.err) == (1, True, False)
    assert "尚未发布：生成失败" in run.err
    assert "原版本保持不变" in run.err
    state = pipeline.build_state(work_of(desk))
    assert state.last_failure is not None
    assert (state.running_since, state.waiting) == (None, 0)
    assert "railshift build" in state.last_failure.message
    assert "生成：失败。" in desk.run("jobs").out
    (desk.home / "rows").rmdir()
    rows.rename(desk.home / "rows")
    assert share(desk) == F(900, 1000)
    assert desk.run("build").code == 0
    assert share(desk) == F(1600, 1800)
    assert pipeline.build_state(work_of(desk)).last_failure is None


def test_no_process_comes_up(desk: Desk, monkeypatch):
    """The approval stands, and where to look is said."""
    monkeypatch.setattr(builds, "start", lambda work: subprocess.Popen(["true"]))
    run = desk.run("review", "approve", 2, "--json")
    assert run.code == 1
    assert "build.log" in run.json["unpublished"]
    waiting = desk.run("jobs", "--json").json
    assert (waiting["waiting"], waiting["building_since"]) == (1, None)
    assert "有1项待发布，请运行 railshift build" in desk.run("jobs").out


def test_what_runs_is_seen(desk: Desk, monkeypatch):
    work, seen = work_of(desk), []
    monkeypatch.setenv("RAILSHIFT_TODAY", desk.today)

    def look(name: str, done: int, whole: int) -> None:
        seen.append(pipeline.build_state(work))

    pipeline.publish_build(work, progress=look)
    assert all(state.running_since is not None for state in seen)
    (newest, *_) = builds_of(desk)
    assert (newest.outcome, newest.started_at) == (Outcome.DONE, seen[0].running_since)
    assert newest.ended_at is not None
    assert newest.ended_at - newest.started_at >= timedelta(0)
    assert pipeline.build_state(work).last_success == newest


def test_looking_does_not_keep_a_build_from_its_lock(tmp_path: Path):
    assert publish.is_building(tmp_path) is False
    with publish.single_flight(tmp_path):
        assert publish.is_building(tmp_path) is True
        with pytest.raises(BuildRunning), publish.single_flight(tmp_path):
            pass
    assert publish.is_building(tmp_path) is False


def test_a_publish_as_of_a_day_answers_nobody(desk: Desk, monkeypatch):
    monkeypatch.setattr(builds, "start", lambda work: subprocess.Popen(["true"]))
    assert desk.run("review", "approve", 2).code == 1
    assert desk.run("build", "--as-of", "2025-03-10").code == 0
    assert pipeline.build_state(work_of(desk)).waiting == 1
