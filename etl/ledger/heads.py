"""The audit log's last hash, noted outside the database: HOME/audit.head, one line for each writing transaction.

A line is `number hash moment` and is written after the commit that it speaks of. So the file may lag (a crash in
between, a full disk) but never runs ahead: a line for an entry that is not there means that entries were cut off,
and one with another hash that the log was rewritten. Lines may stand in any order: two processes write them.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from etl.periods import now

FILE_NAME = "audit.head"
log = logging.getLogger("railshift")
_LINE = re.compile(rb"(\d{1,18}) ([0-9a-f]{64}) \S+")
# A power cut or a full disk breaks a line off: that is no hand's work.
_BROKEN_OFF = re.compile(rb"\d{0,18}|\d{1,18} [0-9a-f]{0,64} ?")


@dataclass(frozen=True)
class Head:
    """An entry's number and hash as they were noted; `place` says where."""

    number: int
    hash: str
    place: str


@dataclass(frozen=True)
class Noted:
    """What the file holds. `unreadable`: numbers of lines that are neither whole nor broken off."""

    heads: tuple[Head, ...]
    unreadable: tuple[int, ...]


def path_of(home: Path) -> Path:
    return home / FILE_NAME


def begin(home: Path, number: int, hash_: str) -> None:
    """Begin the file of a ledger that has none yet; one that is there stays as it is."""
    try:
        handle = os.open(path_of(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    except FileExistsError:
        return
    _write(handle, _line(number, hash_))
    folder = os.open(home, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def note(home: Path, number: int, hash_: str) -> None:
    """Add a line, durably. What is committed stays committed: a failure is logged, and the next line heals it.

    A file that is gone is not begun again, or nobody would learn that it was taken away.
    """
    try:
        handle = os.open(path_of(home), os.O_RDWR | os.O_APPEND)
    except OSError as error:
        log.error("audit.head not written: %s", error.strerror)
        return
    try:
        # Unlocked when it is closed. Two processes must not both mend a line that was broken off.
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        is_whole = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
        _write(handle, (b"" if is_whole else b"\n") + _line(number, hash_))
    except OSError as error:
        log.error("audit.head not written: %s", error.strerror)


def read(home: Path) -> Noted:
    """What was noted. Errors: FileNotFoundError where there is no file; OSError."""
    return parse(path_of(home).read_bytes().split(b"\n"))


def parse(lines: Iterable[bytes]) -> Noted:
    """The lines of such a file. Empty lines are nothing."""
    heads: list[Head] = []
    unreadable: list[int] = []
    for number, line in enumerate(lines, start=1):
        if found := _LINE.fullmatch(line):
            heads.append(Head(int(found[1]), found[2].decode(), f"{FILE_NAME}第{number}行"))
        elif not _BROKEN_OFF.fullmatch(line):
            unreadable.append(number)
    return Noted(tuple(heads), tuple(unreadable))


def until(home: Path, last: int) -> bytes:
    """The file's whole lines that speak of entries up to `last`. Empty: there is no file, or no such line."""
    try:
        lines = path_of(home).read_bytes().split(b"\n")
    except FileNotFoundError:
        return b""
    kept = [line for line in lines if (found := _LINE.fullmatch(line)) and int(found[1]) <= last]
    return b"".join(line + b"\n" for line in kept)


def _line(number: int, hash_: str) -> bytes:
    return f"{number} {hash_} {now().isoformat(timespec='seconds')}\n".encode()


def _write(handle: int, content: bytes) -> None:
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
