"""Where the table of a file begins: its header row, what a head block above it says, what is ours in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from etl.intake.fields import HEAD_BLOCK, OWN_SHEET_MARK, PROBLEM, REMEDY, plain
from etl.intake.spreadsheet import Cell, Sheet

if TYPE_CHECKING:
    from etl.intake.mapping import Mapping


def is_own_sheet(sheet: Sheet) -> bool:
    """A sheet that we added to a workbook ourselves: its first cell says so."""
    return bool(sheet.rows and sheet.rows[0]) and sheet.rows[0][0] == OWN_SHEET_MARK


def find_header(
    rows: Sequence[Sequence[Cell]], words: frozenset[str], mapping: Mapping | None
) -> tuple[int, int, tuple[str, ...]]:
    """(known words, row number, header). Without a header row: 0 and the columns' numbers."""
    if mapping and not mapping.has_header:
        width = max((len(row) for row in rows), default=0)
        return len(words), 0, tuple(str(number) for number in range(1, width + 1))
    best, at = 0, 0
    for number, row in enumerate(rows, start=1):
        score = len({plain(cell) for cell in row if cell} & words)
        # A header cell merged over two rows repeats in the second: the table begins below it.
        if score > best or (score == best > 0 and number == at + 1):
            best, at = score, number
    if best < 2:
        widths = [0 if _is_label(row) else len(set(_filled(row))) for row in rows]
        at = next((n for n, width in enumerate(widths, 1) if width >= 2), 0)
        at = at or next((n for n, width in enumerate(widths, 1) if width), 1)
    header = [" ".join((cell or "").split()) for cell in rows[at - 1]] if rows else []
    while header and not header[-1]:
        header.pop()
    return best, at, tuple(header)


def without_own(header: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[int]]:
    """The header without the columns of our report, and the indices of these.

    They stand side by side: a column that is only called 问题 is the clerk's own.
    """
    own = {
        place
        for index, pair in enumerate(pairwise(header))
        if pair == (PROBLEM, REMEDY)
        for place in (index, index + 1)
    }
    left = ["" if index in own else name for index, name in enumerate(header)]
    while left and not left[-1]:
        left.pop()
    return tuple(left), frozenset(own)


def _filled(row: Sequence[Cell]) -> list[str]:
    return [cell for cell in row if cell and not cell.isspace()]


def _is_label(row: Sequence[Cell]) -> bool:
    return bool(row) and (row[0] or "").lstrip().startswith("#")


def head_block(rows: Sequence[Sequence[Cell]]) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
    """What stands above the table as `月份：2025-03` or as `月份：` and the next filled cell.

    Our header → value and row; our header → index of the cell that holds the value.
    """
    head: dict[str, tuple[str, int]] = {}
    columns: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        cells = _filled(row)
        places = [place for place, cell in enumerate(row) if cell and not cell.isspace()]
        for index, cell in enumerate(cells):
            label, _, rest = cell.replace(":", "：").partition("：")
            name = plain(label)
            if name not in HEAD_BLOCK or name in head:
                continue
            value = rest.strip() or (cells[index + 1].strip() if index + 1 < len(cells) else "")
            # Two labels side by side: the first one was left empty.
            if value and plain(value.replace(":", "：").partition("：")[0]) not in HEAD_BLOCK:
                head[name] = (value, number)
                columns[name] = places[index if rest.strip() else index + 1]
    return head, columns
