"""Publishing in a process of its own: one at a time, nothing that was asked for is lost.

A request is written in the transaction that makes it necessary. Whoever publishes goes on until no request
is open, and looks once more after the lock is free: a request that found the lock taken is seen there. One
build answers all requests that were open when it began.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from etl import pipeline
from etl.ledger import jobs
from etl.ledger.jobs import Job
from etl.ledger.schema import URL_VARIABLE, reading
from etl.pipeline import Workplace
from etl.reference import DATA_VARIABLE, HOME_VARIABLE
from etl.warehouse import publish
from etl.warehouse.build import Progress
from etl.warehouse.publish import BuildRunning

log = logging.getLogger("railshift")
# What a waiting requester looks after; a build takes seconds.
LOOK_AGAIN_SECONDS = 0.1
# A process that ends without a word in the ledger is started again so often.
STARTS = 3


class BuildFailed(Exception):
    """Nothing was published, the old version stays; the message says why and what to do."""


def publish_open(work: Workplace, progress: Progress | None = None) -> Path | None:
    """Publish until no request is open. Gives the last version; None where another process did it or is at it.

    Errors: those of `pipeline.publish_build` but BuildRunning; the failed request counts as answered.
    """
    target = None
    while _open_requests(work):
        try:
            target = pipeline.publish_requested(work, progress) or target
        except BuildRunning:
            return target
    return target


def answer(work: Workplace, request_id: int) -> Job:
    """See that a request is answered, by a process of its own, and wait for it.

    The outcome may be a failure: then the old version stays. Errors: BuildFailed where no process comes up.
    """
    for _ in range(STARTS):
        with start(work) as process:
            process.wait()
        while True:
            with reading(work.ledger) as connection:
                job = jobs.answer_to(connection, request_id)
            if job is not None:
                return job
            if not publish.is_building(work.home):
                break
            time.sleep(LOOK_AGAIN_SECONDS)
    raise BuildFailed(f"生成进程没有完成，原版本保持不变，详情见{log_file(work.home)}。")


def answer_later(work: Workplace) -> None:
    """As `answer`, without waiting: `pipeline.build_state` says how it goes."""
    process = start(work)
    # A child that nobody waits for stays in the process table.
    threading.Thread(target=process.wait, name="railshift-build", daemon=True).start()


def start(work: Workplace) -> subprocess.Popen[bytes]:
    """A process that publishes what is open. It outlives this one, and a Ctrl-C here does not reach it."""
    file = log_file(work.home)
    file.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        HOME_VARIABLE: str(work.home.resolve()),
        DATA_VARIABLE: str(work.declared.folder.resolve()),
        URL_VARIABLE: work.ledger.url.render_as_string(hide_password=False),
    }
    command = [sys.executable, "-m", "etl.cli", "build", "--pending"]
    with file.open("ab") as lines:
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=lines,
            start_new_session=True,
        )


def log_file(home: Path) -> Path:
    """Where the processes of `start` write."""
    return home / "log" / "build.log"


def _open_requests(work: Workplace) -> int:
    with reading(work.ledger) as connection:
        return jobs.open_requests(connection)
