"""What calamine does not tell of an .xls: its error cells, hidden rows and hidden columns, from the records;
and how far each sheet reaches, before calamine lays it out in memory.

Only what is needed for that is read: the workbook's stream of an OLE container and a few kinds of record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from etl.intake.rules import refusal
from etl.intake.sheet_xml import UNNAMED_ERROR, Oddities

ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}

_BOUNDSHEET, _EOF, _ROW, _COLUMNS, _ERROR, _FORMULA = 0x85, 0x0A, 0x208, 0x7D, 0x205, 0x06
_DIMENSIONS, _MANY_NUMBERS, _PASSWORD = 0x200, 0xBD, 0x2F
# Records of cells: row and column come first.
_CELLS = frozenset((0x06, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E))
_END_OF_CHAIN = 0xFFFFFFFA
_ENTRY = 128


class ContainerError(Exception):
    """The OLE container has no workbook, or its chains of sectors do not end."""


def oddities(path: Path) -> list[Oddities]:
    """The oddities of each sheet, in the workbook's order; of charts and the like they are empty.

    Errors: Refusal for an encrypted workbook; ValueError where the container or its records are not as they
    should be.
    """
    try:
        stream = _workbook_stream(path.read_bytes())
        starts = []
        for kind, at, _ in _records(stream, 0):
            if kind == _PASSWORD:
                # What follows is encrypted: its records say nothing.
                raise refusal("S004")
            if kind == _BOUNDSHEET:
                starts.append(struct.unpack_from("<I", stream, at)[0])
        return [_of_sheet(stream, start) for start in starts]
    except (struct.error, IndexError) as error:
        raise ValueError("records of the workbook") from error


def _records(stream: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place and size of each record up to the end of the sheet or of the globals."""
    at = start
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == _EOF:
            return
        yield kind, at + 4, size
        at += 4 + size


def _of_sheet(stream: bytes, start: int) -> Oddities:
    odd = Oddities()
    for kind, at, size in _records(stream, start):
        if kind in _CELLS:
            row, column = struct.unpack_from("<HH", stream, at)
            if kind == _MANY_NUMBERS:
                (column,) = struct.unpack_from("<H", stream, at + size - 2)
            odd.reach(row + 1, column + 1)
        if kind == _DIMENSIONS:
            # What the sheet says of itself is reserved, too. Rows took two bytes until Excel 97.
            odd.reach(*struct.unpack_from("<4xI2xH" if size >= 14 else "<2xH2xH", stream, at))
        elif kind == _ROW:
            row, flags = struct.unpack_from("<H10xH", stream, at)
            if flags & 0x20:
                odd.hidden_rows.add(row + 1)
        elif kind == _COLUMNS:
            first, last, flags = struct.unpack_from("<HH4xH", stream, at)
            if flags & 1:
                odd.hidden_columns.update(range(first, min(last, 255) + 1))
        elif kind == _ERROR:
            row, column, code, is_error = struct.unpack_from("<HH2xBB", stream, at)
            if is_error:
                odd.instead[row + 1, column] = ERRORS.get(code, UNNAMED_ERROR)
        elif kind == _FORMULA:
            row, column, result, code, mark = struct.unpack_from("<HH2xBxB3xH", stream, at)
            # A result that is no number says so by its last two bytes; 2 = an error.
            if mark == 0xFFFF and result == 2:
                odd.instead[row + 1, column] = ERRORS.get(code, UNNAMED_ERROR)
    return odd


def _workbook_stream(data: bytes) -> bytes:
    """The stream Workbook (Excel 97 on) or Book (Excel 95) of an OLE container."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    directory_start, cutoff, small_start, _, more_start = struct.unpack_from("<I4xIIII", data, 48)
    sectors = len(data) // size

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    def chain(start: int, table: Sequence[int]) -> Iterator[int]:
        number, left = start, len(table)
        while number < _END_OF_CHAIN:
            if left == 0:
                raise ContainerError("a chain that does not end")
            yield number
            number, left = table[number], left - 1

    def numbers(content: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])

    table_sectors = list(struct.unpack_from("<109I", data, 76))
    while more_start < _END_OF_CHAIN:
        if len(table_sectors) > sectors + size:
            raise ContainerError("a table that does not end")
        *more, more_start = numbers(sector(more_start))
        table_sectors += more
    table = numbers(b"".join(sector(number) for number in table_sectors if number < sectors))
    directory = b"".join(sector(number) for number in chain(directory_start, table))
    entries = [directory[at : at + _ENTRY] for at in range(0, len(directory) - _ENTRY + 1, _ENTRY)]
    # A short stream lies in pieces of 64 bytes inside the stream of the first entry. Both are read here even
    # where they are not needed: calamine reads them always.
    (root,) = struct.unpack_from("<I", entries[0], 116)
    pieces = b"".join(sector(number) for number in chain(root, table))
    small = numbers(b"".join(sector(number) for number in chain(small_start, table)))
    for entry in entries:
        name = entry[: max(struct.unpack_from("<H", entry, 64)[0] - 2, 0)].decode("utf-16-le", "replace")
        if name not in ("Workbook", "Book"):
            continue
        start, length = struct.unpack_from("<II", entry, 116)
        if length >= cutoff:
            return b"".join(sector(number) for number in chain(start, table))[:length]
        return b"".join(pieces[number * 64 : (number + 1) * 64] for number in chain(start, small))[:length]
    raise ContainerError("no workbook")
