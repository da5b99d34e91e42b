"""A child process that answers questions under limits of memory, CPU and time."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import sys
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from types import ModuleType

from etl.intake.finding import Refusal

LOG = logging.getLogger("railshift.intake")
# One file of ten million rows stays below these; a file made to exhaust the machine does not.
MEMORY_BYTES = 12 * 2**30
CPU_SECONDS = 1800
WALL_SECONDS = 1200
_starting = threading.Lock()


class Fault(Exception):
    """Our fault, not the file's: the answering function failed. The text is for the log."""


class Worker:
    """One child that calls `answer(question)` for each question sent to it."""

    def __init__(self, answer: Callable, wall_seconds: float = WALL_SECONDS) -> None:
        context = multiprocessing.get_context("spawn")
        self.wall_seconds = wall_seconds
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, answer), daemon=True)
        with _without_main():
            self.process.start()
        theirs.close()

    def ask(self, question: object) -> object | None:
        """The answer; None when the child died or took too long. Errors: Fault."""
        try:
            self.pipe.send(question)
            if not self.pipe.poll(self.wall_seconds):
                return None
            is_fault, answer = self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            LOG.error("the checking process ended by itself, exit code %s", self.process.exitcode)
            return None
        if is_fault:
            raise Fault(answer)
        return answer

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


def in_child(function: Callable, *arguments: object, **named: object) -> object | None:
    """`function`'s answer from a child of its own; None when the child died or took too long.

    Errors: Fault, and a Refusal as the function raises it.
    """
    worker = Worker(partial(_answered, function))
    try:
        answer = worker.ask((arguments, named))
    finally:
        worker.stop()
    if isinstance(answer, Refusal):
        raise answer
    return answer


def _answered(function: Callable, question: tuple[tuple, dict]) -> object:
    arguments, named = question
    try:
        return function(*arguments, **named)
    except Refusal as refusal:
        return refusal


@contextmanager
def _without_main() -> Generator[None]:
    """Start a child that does not run the parent's script again.

    A spawned child imports what stands as `__main__`; under the web server that is a page, which has
    nothing to do there and may not even be a file. The answering function is importable by its own name.
    """
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _serve(pipe: Connection, answer: Callable) -> None:
    _lower(resource.RLIMIT_AS, MEMORY_BYTES)
    _lower(resource.RLIMIT_CPU, CPU_SECONDS)
    _lower(resource.RLIMIT_CORE, 0)
    while True:
        try:
            question = pipe.recv()
        except EOFError:
            return
        try:
            reply: tuple[bool, object] = (False, answer(question))
        except Exception:  # noqa: BLE001 - a fault of ours crosses as text and is raised over there
            reply = (True, traceback.format_exc())
        pipe.send(reply)


def _lower(limit: int, wanted: int) -> None:
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
