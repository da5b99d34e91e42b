"""作业 as staff read it: what runs by its lock, what was killed, what the sentence says."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl import inbox, joblog
from etl.ledger import jobs
from etl.ledger.jobs import INTERRUPTED, Outcome
from etl.ledger.schema import open_ledger
from etl.locks import alone, is_held
from etl.pipeline import Workplace
from etl.reference import load_declared

from .command import DATA


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("RAILSHIFT_TODAY", "2025-03-12")
    return Workplace(tmp_path, open_ledger(tmp_path), load_declared(DATA))


def begin(work: Workplace, kind: str) -> int:
    with work.ledger.begin() as connection:
        return jobs.begin(connection, kind, "某人")


def end(work: Workplace, job: int, outcome: Outcome, message: str = "") -> None:
    with work.ledger.begin() as connection:
        jobs.end(connection, job, outcome, message)


def test_nothing_ran_yet(work: Workplace):
    log = joblog.read(work, 50)
    assert log.sentence == "还没有生成过数据版本；还没有收过文件；现在没有作业在运行。"
    assert (log.runs, log.running) == ((), ())


def test_a_run_is_at_work_while_its_lock_is_held_and_was_killed_when_not(work: Workplace):
    end(work, begin(work, jobs.BUILD), Outcome.DONE)
    begin(work, jobs.INBOX)
    with alone(inbox.folder_of(work) / inbox.LOCK, RuntimeError()):
        log = joblog.read(work, 50)
        assert [job.kind for job in log.running] == [jobs.INBOX]
        assert log.sentence.endswith("进行中；正在运行：收件。")
    log = joblog.read(work, 50)
    assert log.running == ()
    assert [(job.kind, job.outcome, job.message) for job in log.runs] == [
        (jobs.INBOX, Outcome.FAILED, INTERRUPTED),
        (jobs.BUILD, Outcome.DONE, ""),
    ]
    assert "最近一次生成于3月12日" in log.sentence
    assert log.sentence.endswith("失败；现在没有作业在运行。")


def test_a_failed_build_and_what_waits(work: Workplace):
    end(work, begin(work, jobs.BUILD), Outcome.DONE)
    end(work, begin(work, jobs.BUILD), Outcome.FAILED, "磁盘已满")
    with work.ledger.begin() as connection:
        jobs.request_build(connection, "通过", "某人")
    log = joblog.read(work, 1)
    assert "失败；还没有收过文件；现在没有作业在运行；等待生成的变动1项。" in log.sentence
    assert [job.message for job in log.runs] == ["磁盘已满"]
    assert joblog.read(work, 50, jobs.INBOX).runs == ()


def test_who_only_looks_keeps_nobody_out(tmp_path: Path):
    file = tmp_path / "lock"
    assert not is_held(file)
    assert not file.exists()
    with alone(file, RuntimeError("held")):
        assert is_held(file)
        with pytest.raises(RuntimeError, match="held"), alone(file, RuntimeError("held")):
            pytest.fail("two at a time")
    assert not is_held(file)
