"""One at a time: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Whoever only looks (`is_held`) has the lock for an instant.
PATIENCE_SECONDS = 0.3
LOOK_AGAIN_SECONDS = 0.02


@contextmanager
def alone(file: Path, refusal: Exception) -> Generator[None]:
    """Hold the lock that `file` stands for. Errors: `refusal` where somebody else holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not _locked(lock):
            if time.monotonic() > give_up:
                raise refusal
            time.sleep(LOOK_AGAIN_SECONDS)
        yield


def is_held(file: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        with file.open("r+") as lock:
            return not _locked(lock)
    except FileNotFoundError:
        return False


def _locked(lock: IO[str]) -> bool:
    """Take the lock, until the file is closed; False where somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
