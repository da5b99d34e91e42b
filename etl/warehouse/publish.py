"""Publishing: an immutable file for each version, and a pointer that moves in one step.

DuckDB refuses a second process on a file that is being written, and gives the old data for a path that
was replaced while open. So each build gets a new name, and readers follow the pointer.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO

KEPT_VERSIONS = 3
POINTER = "CURRENT"
LOCK = ".lock"
PATIENCE_SECONDS = 0.5


class BuildRunning(Exception):
    """Another process is building; the message says what to do."""


def warehouse_folder(home: Path) -> Path:
    return home / "warehouse"


def current_path(home: Path) -> Path | None:
    """The published file; None before the first build."""
    try:
        name = (warehouse_folder(home) / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return warehouse_folder(home) / name


def as_of_path(home: Path, day: date) -> Path:
    """Where the state as it was known on a day is kept; it never moves the pointer."""
    return warehouse_folder(home) / f"asof-{day.isoformat()}.duckdb"


def version_of(path: Path) -> int:
    """The version number in a file's name."""
    return int(path.stem.removeprefix("v"))


@contextmanager
def single_flight(home: Path) -> Generator[None]:
    """Only one build at a time in this folder. Errors: BuildRunning where another one runs."""
    folder = warehouse_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not _locked(lock):
            # Whoever only looks (`is_building`) has the lock for an instant.
            if time.monotonic() > give_up:
                raise BuildRunning("另一次生成正在进行，请稍候再试。")
            time.sleep(0.02)
        yield


def is_building(home: Path) -> bool:
    """Some process is building in this folder now. The lock says so, for it ends with its process."""
    try:
        with (warehouse_folder(home) / LOCK).open("r+") as lock:
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


def next_path(home: Path) -> Path:
    """The name of the version after the newest; what a killed build left behind is cleared first."""
    folder = warehouse_folder(home)
    for leftover in folder.glob("*.building*"):
        leftover.unlink()
    versions = [version_of(file) for file in folder.glob("v*.duckdb")]
    return folder / f"v{max(versions, default=0) + 1}.duckdb"


def building_path(target: Path) -> Path:
    """Where a build writes until it is whole."""
    return target.with_name(f"{target.name}.building")


def put(built: Path, target: Path) -> None:
    """Give a finished file its name, durably."""
    _sync(built)
    os.replace(built, target)
    _sync(target.parent)


def point_to(home: Path, target: Path) -> None:
    """Move the pointer to `target` in one step, then drop versions that nobody needs."""
    folder = warehouse_folder(home)
    pointer = folder / f"{POINTER}.new"
    pointer.write_text(target.name, encoding="utf-8")
    _sync(pointer)
    os.replace(pointer, folder / POINTER)
    _sync(folder)
    # A reader that has an old file open keeps it: on Linux an unlinked file lives until it is closed.
    for file in sorted(folder.glob("v*.duckdb"), key=version_of)[:-KEPT_VERSIONS]:
        file.unlink()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
