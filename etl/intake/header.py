"""Where the table of a file begins: its header, what a head block above it says, what is ours in it.

A header may be one row, a group header over its parts, or names over their units; then each column has
one name made of all its cells, and the header's row is the last of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from etl.intake.fields import (
    ALL_HEADERS,
    FIELD_BY_NAME,
    HEAD_LABELS,
    HEADER_TO_FIELD,
    OWN_SHEET_MARK,
    PROBLEM,
    REMEDY,
    TEN_THOUSAND_TONNES,
    UNITS,
    other_unit,
    plain,
)
from etl.intake.spreadsheet import Cell, Sheet
from etl.intake.words import WRITTEN_MONTH

if TYPE_CHECKING:
    from etl.intake.mapping import Mapping

Row = Sequence[Cell]

MAX_HEADER_ROWS = 4
_UNIT_WORDS = frozenset({
    "吨", "万吨", "千吨", "t", "kg", "公斤", "千克", "公里", "千米", "km", "米", "辆", "车", "节", "列", "个", "箱",
    "只", "teu", "标箱", "元", "万元", "%", "吨公里", "万吨公里", "次", "趟",
})  # fmt: skip
# What stands under a header and is neither a name nor a unit.
_MARKERS = frozenset({
    "必填", "选填", "可选", "非必填", "必填项", "选填项", "下拉选择", "下拉", "文本", "文本格式", "数字", "数值",
    "日期", "-", "—", "——", "/", "年月", "yyyy-mm", "yyyymm", "18位",
})  # fmt: skip
_CURRENT = frozenset({"本月", "当月", "本期", "当期", "本月数", "当月数", "本期数", "数量"})
# Parts of a group that are other figures than the month's.
_OTHER = frozenset({
    "本年累计", "累计", "自年初累计", "年初至今", "1-本月", "上年同期", "上年同月", "去年同期", "上月", "同比",
    "环比", "增减", "增长", "增速", "计划", "完成率",
})  # fmt: skip
_PARTS = _CURRENT | _OTHER | {PROBLEM, REMEDY}
_STEMS, _ABC = "甲乙丙丁戊己庚辛壬癸", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORDINAL = re.compile(r"[甲乙丙丁戊己庚辛壬癸A-Z]|\d{1,2}")
# Two blanks, where what follows is a label or a month; those inside a name stay.
_BETWEEN_LABELS = re.compile(r"(?:\s{2,}|\u3000)(?=[^\s:：]{2,12}[:：]|\d{4}\s*年)")
_CORNER = re.compile(
    r"单位[:：][^:：]{0,20}?(万\s*吨|公\s*斤|千\s*克|kg)|[（(]\s*(万\s*吨|公\s*斤|千\s*克|kg)\s*[)）]", re.I
)


@dataclass(frozen=True)
class Header:
    """`names` of the columns ('' = none); `row` is the last of its `rows`, 0 without a header.

    `score` counts the known words in it. `rows` are its rows as they stand: printed again on the next
    page they are no data.
    """

    score: int
    row: int
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def top(self) -> int:
        """The first row of the header; what stands above it is title and head block."""
        return self.row - max(len(self.rows), 1) + 1


def is_own_sheet(sheet: Sheet) -> bool:
    """A sheet that we added to a workbook ourselves: its first cell says so."""
    return bool(sheet.rows and sheet.rows[0]) and sheet.rows[0][0] == OWN_SHEET_MARK


def find_header(rows: Sequence[Row], words: frozenset[str], mapping: Mapping | None) -> Header:
    """The header among the first `rows`: around the row with the most of `words`, else the first row nearly as
    wide as any. Without a header row (the mapping says so): row 0 and the columns' numbers."""
    if mapping and not mapping.has_header:
        width = max((len(row) for row in rows), default=0)
        return Header(len(words), 0, tuple(str(number) for number in range(1, width + 1)))
    best, at = 0, 0
    for number, row in enumerate(rows, start=1):
        score = len({plain(cell) for cell in row if cell} & words)
        if score > best:
            best, at = score, number
    if best < 2:
        widths = [0 if _is_label(row) else len(set(_filled(row))) for row in rows]
        # A label with its value, or a date in a corner, is narrower than the table.
        table = max(2, max(widths, default=0) * 0.6)
        at = next((n for n, width in enumerate(widths, 1) if width >= table), 0)
        at = at or next((n for n, width in enumerate(widths, 1) if width), 1)
    first = last = at
    while (
        first > 1 and best >= 2 and last - first + 1 < MAX_HEADER_ROWS
        and _is_group(rows[first - 2], rows[first - 1])
    ):  # fmt: skip
        first -= 1
    while (
        0 < last < len(rows) and last - first + 1 < MAX_HEADER_ROWS and _is_part(rows[last], rows[last - 1])
    ):
        last += 1
    block = rows[first - 1 : last]
    return Header(best, last, _names(block), _texts(block))


# ------------------------------------------------------------------------------- the rows of a header


def _is_group(row: Row, below: Row) -> bool:
    """A row of names over the header: each cell is known, repeats (a merge) or heads what is below it."""
    pairs = [(cell, below[i] if i < len(below) else None) for i, cell in enumerate(row) if _has(cell)]
    if len({cell for cell, _ in pairs}) < 2 or any(_is_label_of_value(cell) for cell, _ in pairs):
        return False
    alike = [cell == under or plain(cell or "") in ALL_HEADERS for cell, under in pairs]
    return sum(alike) >= 2 and all(
        is_alike or _has(under) for is_alike, (_, under) in zip(alike, pairs, strict=True)
    )


def _is_part(row: Row, above: Row) -> bool:
    """A row under the header that belongs to it: names under their group, units, marks, column numbers."""
    cells = [(_bare(cell or ""), cell, i) for i, cell in enumerate(row) if _has(cell)]
    if len(cells) >= 3 and _is_ordinals([bare.upper() for bare, _, _ in cells]):
        return True
    if any(_is_label_of_value(cell) for _, cell, _ in cells):
        return False
    told = 0
    for bare, cell, index in cells:
        over = above[index] if index < len(above) else None
        is_word = bare in _UNIT_WORDS or plain(cell or "") in ALL_HEADERS or bare in _PARTS
        is_told = is_word or cell == over or (bare in _MARKERS and len(bare) > 1)
        # Under a group that is merged over several columns any name may stand.
        is_in_group = _has(over) and over in (
            *above[max(index - 1, 0) : index],
            *above[index + 1 : index + 2],
        )
        told += is_told
        if not (is_told or bare in _MARKERS or is_in_group):
            return False
    return told > 0


def _is_ordinals(cells: Sequence[str]) -> bool:
    """甲 乙 1 2 3: the columns' numbers, as statistical forms have them."""
    numbers = [cell for cell in cells if cell.isdecimal()]
    letters = "".join(cells[: len(cells) - len(numbers)])
    is_counted = numbers == [str(number) for number in range(1, len(numbers) + 1)]
    return (
        is_counted
        and cells[len(letters) :] == numbers
        and letters in (_STEMS[: len(letters)], _ABC[: len(letters)])
    )


def _is_label_of_value(cell: Cell) -> bool:
    """月份： of a head block, which is no header whatever it is called."""
    return (cell or "").rstrip().endswith((":", "："))


def _has(cell: Cell) -> bool:
    return bool(cell) and not str(cell).isspace()


def _bare(text: str) -> str:
    """A unit or mark without brackets, blanks and 单位：."""
    return plain(text).strip("()[]【】<>").removeprefix("单位:").lower()


def _texts(rows: Sequence[Row]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple((cell or "").strip() for cell in row) for row in rows)


def _names(rows: Sequence[Row]) -> tuple[str, ...]:
    """One name a column, from the header's rows."""
    width = max((len(row) for row in rows), default=0)
    names = []
    for index in range(width):
        parts: list[str] = []
        for row in rows:
            cell = " ".join((row[index] or "").split()) if index < len(row) else ""
            if cell and (not parts or cell != parts[-1]):
                parts.append(cell)
        names.append(_name(parts))
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _name(parts: list[str]) -> str:
    """运距 over 公里 is 运距; 运量 over 万吨 is 运量(万吨); 起讫点 over 起点 is 起点; 运量 over 累计 is neither."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    top, *under = parts
    units = [_bare(part) for part in under if _bare(part) in _UNIT_WORDS]
    rest = [
        part
        for part in under
        if _bare(part) not in _UNIT_WORDS | _MARKERS and not _ORDINAL.fullmatch(plain(part))
    ]
    name = rest[-1] if rest else top
    if rest and plain(name) not in ALL_HEADERS:
        joined = "".join((top, *rest))
        is_current = all(_bare(part) in _CURRENT for part in rest)
        name = (
            top if is_current else joined if plain(joined) in ALL_HEADERS else f"{top}（{'、'.join(rest)}）"
        )
    return with_unit(name, units[-1]) if units else name


def with_unit(name: str, unit: str) -> str:
    """The name of a column whose unit stands elsewhere: as it is where that is our own unit."""
    field = HEADER_TO_FIELD.get(plain(name))
    if field is None:
        return name if plain(name) in TEN_THOUSAND_TONNES else f"{name}({unit})"
    if unit in UNITS.get(field, ()):
        return name
    # 运量吨 over 万吨 says two things; the larger unit is asked about, never taken for tonnes.
    stem = re.sub(r"\((吨|t|公里|km|千米)\)$|(吨|公里)$", "", plain(name))
    return f"{stem}({unit})"


# ------------------------------------------------------------------------------------- above the table


@dataclass(frozen=True)
class Corner:
    """A cell above the table that says 单位：万吨, or a title that ends in （公斤）: its row, text and unit."""

    row: int
    text: str
    unit: str


def unit_corner(rows: Sequence[Row]) -> Corner | None:
    """The first cell above the table that says that it counts in another unit than tonnes."""
    for number, row in enumerate(rows, start=1):
        for cell in row:
            if cell and (found := _CORNER.search(cell)) and (unit := other_unit(found[1] or found[2])):
                return Corner(number, cell.strip(), unit)
    return None


def is_in_tonnes(name: str) -> bool:
    """A header of the tonnes that names its unit itself."""
    return HEADER_TO_FIELD.get(plain(name)) == "tonnes" and plain(name).rstrip(")").endswith(("吨", "t"))


def is_bare_tonnes(name: str) -> bool:
    """A header of the tonnes that leaves its unit to be said elsewhere: 运量."""
    return HEADER_TO_FIELD.get(plain(name)) == "tonnes" and not is_in_tonnes(name)


def written_month(rows: Sequence[Row], sheet: str | None) -> tuple[int | None, str] | None:
    """A month that stands in the title (with its row) or in the sheet's name, and nowhere else."""
    for number, row in enumerate(rows, start=1):
        for cell in row:
            if cell and (found := WRITTEN_MONTH.search(cell)):
                return number, found[0]
    found = WRITTEN_MONTH.search(sheet or "")
    return (None, found[0]) if found else None


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


def _filled(row: Row) -> list[str]:
    return [cell for cell in row if cell and not cell.isspace()]


def _is_label(row: Row) -> bool:
    return bool(row) and (row[0] or "").lstrip().startswith("#")


def head_block(rows: Sequence[Row]) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
    """What stands above the table as `月份：2025-03` or as `月份：` and the next filled cell.

    Several may stand in one cell, two blanks or more apart. Our header → value and row; our header →
    index of the cell that holds the value.
    """
    head: dict[str, tuple[str, int]] = {}
    columns: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        parts = list(_parts(row))
        for index, (place, text) in enumerate(parts):
            label, _, rest = text.replace(":", "：").partition("：")
            field = HEAD_LABELS.get(_label(label))
            if field is None:
                continue
            name = FIELD_BY_NAME[field].header
            if name in head:
                continue
            value, at = rest.strip(), place
            if not value and index + 1 < len(parts):
                at, value = parts[index + 1]
            # Two labels side by side: the first one was left empty.
            if value and _label(value.replace(":", "：").partition("：")[0]) not in HEAD_LABELS:
                head[name] = (value.strip(), number)
                columns[name] = at
    return head, columns


def _parts(row: Row) -> Iterator[tuple[int, str]]:
    """The labelled pieces of each cell, with the cell's index."""
    last: str | None = None
    for place, cell in enumerate(row):
        # A merge repeats its first cell.
        if not cell or cell.isspace() or cell == last:
            continue
        last = cell
        for part in _BETWEEN_LABELS.split(cell.strip()):
            yield place, part


def _label(text: str) -> str:
    """填报单位（公章） as 填报单位."""
    return re.sub(r"\((盖?公?章|签章|盖章|全称)\)$", "", plain(text))
