"""What ran by itself and what runs: builds, the inbox and reminders as staff read them.

A run whose process is gone still stands as 进行中 in the ledger until the next one of its kind begins; here it is
told by the lock that ended with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from etl import inbox, locks, pipeline, reminders
from etl.ledger import jobs
from etl.ledger.jobs import Job, Outcome
from etl.pipeline import BuildState, Workplace
from etl.warehouse import publish

KINDS = (jobs.BUILD, jobs.INBOX, jobs.REMINDER)


@dataclass(frozen=True)
class JobLog:
    """How it stands. `runs`: the newest, newest first. `newest`: of each kind the last one, None = never ran."""

    build: BuildState
    newest: dict[str, Job | None]
    runs: tuple[Job, ...]

    @property
    def running(self) -> tuple[Job, ...]:
        return tuple(job for job in self.newest.values() if job and job.outcome is Outcome.RUNNING)

    @property
    def sentence(self) -> str:
        """The last build, the last inbox run, what runs and what waits."""
        build, took = self.build.last_failure or self.build.last_success, self.newest[jobs.INBOX]
        said = [
            f"最近一次生成于{_when(build)}{build.outcome}" if build else "还没有生成过数据版本",
            f"最近一次收件于{_when(took)}{took.outcome}" if took else "还没有收过文件",
        ]
        kinds = "、".join(job.kind for job in self.running)
        said.append(f"正在运行：{kinds}" if kinds else "现在没有作业在运行")
        if self.build.waiting:
            said.append(f"等待生成的变动{self.build.waiting}项")
        return "；".join(said) + "。"


def read(work: Workplace, limit: int, kind: str | None = None) -> JobLog:
    """The log, of one kind or of all. Empty: no run yet."""
    # The locks before the ledger: a run that ends in between is seen as ended, never as killed.
    alive = {
        jobs.BUILD: publish.is_building(work.home),
        jobs.INBOX: locks.is_held(inbox.folder_of(work) / inbox.LOCK),
        jobs.REMINDER: locks.is_held(work.home / reminders.LOCK),
    }

    def told(runs: Iterable[Job]) -> tuple[Job, ...]:
        return tuple(
            replace(job, outcome=Outcome.FAILED, message=jobs.INTERRUPTED)
            if job.outcome is Outcome.RUNNING and not alive[job.kind]
            else job
            for job in runs
        )

    return JobLog(
        pipeline.build_state(work),
        {one: next(iter(told(pipeline.jobs_run(work, 1, one))), None) for one in KINDS},
        told(pipeline.jobs_run(work, limit, kind)),
    )


def _when(job: Job) -> str:
    moment = job.ended_at or job.started_at
    return f"{moment.month}月{moment.day}日{moment:%H:%M}"
