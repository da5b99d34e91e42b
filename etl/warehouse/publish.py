"""Publishing: an immutable file for each version, and a pointer that moves in one step.

DuckDB refuses a second process on a file that is being written, and gives the old data for a path that
was replaced while open. So each build gets a new name, and readers follow the pointer.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from etl.locks import alone, is_held

KEPT_VERSIONS = 3
POINTER = "CURRENT"
LOCK = ".lock"


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
    with alone(warehouse_folder(home) / LOCK, BuildRunning("另一次生成正在进行，请稍候再试。")):
        yield


def is_building(home: Path) -> bool:
    """Some process is building in this folder now. The lock says so, for it ends with its process."""
    return is_held(warehouse_folder(home) / LOCK)


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
