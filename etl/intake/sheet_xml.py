"""What calamine does not tell of an .xlsx: how far each sheet reaches, before its cells are laid out in
memory, its hidden rows and columns, its error cells, formulas without a result, and numbers shown as 万.

The XML is read as a stream, and nothing is kept but what is odd: a plain read would take minutes where a
single cell stands far out, and as much memory as the sheet claims to be large.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

UNCALCULATED = "#公式未计算"
UNNAMED_ERROR = "#ERROR!"
# Column indices beyond Excel's own are nobody's table.
MAX_LETTERS = 3
# Commas here only group digits; one at the end would divide the number by a thousand.
_TEN_THOUSAND_FORMAT = re.compile(r"[^,万]*(,[#0?][^,万]*)*万")


@dataclass
class Oddities:
    """What is odd about a sheet. Rows are numbers from 1, columns indices from 0.

    `instead`: what to read in place of a cell that a plain reader gives wrongly, such as an error;
    `ten_thousand`: numbers with 万 behind them by their format alone; `height`, `width`: how far it reaches.
    """

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    instead: dict[tuple[int, int], str] = field(default_factory=dict)
    ten_thousand: set[tuple[int, int]] = field(default_factory=set)
    height: int = 0
    width: int = 0

    def reach(self, height: int, width: int) -> None:
        """The sheet reaches so many rows and columns at least."""
        self.height, self.width = max(self.height, height), max(self.width, width)


def oddities(package: zipfile.ZipFile, max_columns: int) -> list[Oddities]:
    """Of each sheet in the workbook's order. Hidden columns are counted up to `max_columns`.

    Errors: KeyError, ValueError, expat.ExpatError for a workbook that is not as it should be.
    """
    parts = {name.lower(): name for name in package.namelist()}
    sheets, targets = _Elements(("sheet",)), _Elements(("Relationship",))
    for name, elements in (("xl/workbook.xml", sheets), ("xl/_rels/workbook.xml.rels", targets)):
        with package.open(parts[name]) as stream:
            _parse(stream, elements)
    paths = {one["Id"]: _part(one["Target"]) for one in targets.found}
    styles = _ten_thousand_styles(package, parts)
    found: list[Oddities] = []
    for sheet in sheets.found:
        path = paths.get(next((value for key, value in sheet.items() if key.endswith(":id")), ""), "")
        scan = _Sheet(styles, max_columns)
        if path.lower() in parts:
            with package.open(parts[path.lower()]) as stream:
                _parse(stream, scan)
        found.append(scan.odd)
    return found


def _part(target: str) -> str:
    """The name of the part that a relation of the workbook points to."""
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _ten_thousand_styles(package: zipfile.ZipFile, parts: dict[str, str]) -> frozenset[str]:
    """The numbers of the cell styles that show 万 beside an undivided number."""
    if "xl/styles.xml" not in parts or "万".encode() not in package.read(parts["xl/styles.xml"]):
        return frozenset()
    formats, styles = _Elements(("numFmt",)), _Elements(("xf",), inside="cellXfs")
    for elements in (formats, styles):
        with package.open(parts["xl/styles.xml"]) as stream:
            _parse(stream, elements)
    wanted = {one["numFmtId"] for one in formats.found if _shows_ten_thousand(one["formatCode"])}
    return frozenset(str(number) for number, one in enumerate(styles.found) if one.get("numFmtId") in wanted)


def _shows_ten_thousand(form: str) -> bool:
    """0.00"万吨" puts 万 behind the number as it is; 0!.0,"万" shows the number in full."""
    return "!" not in form and _TEN_THOUSAND_FORMAT.match(form) is not None


# -------------------------------------------------------------------------------------------- the stream


class _Handler(ABC):
    """What listens to a part. Names come without a namespace's prefix."""

    parser: expat.XMLParserType

    @abstractmethod
    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def end(self, tag: str) -> None: ...


def _parse(stream: IO[bytes], handler: _Handler) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    handler.parser = parser
    parser.StartDoctypeDeclHandler = _refuse_doctype

    def begin(name: str, attributes: dict[str, str]) -> None:
        # A prefix is rare and costs a call for each of a million elements; the root tells.
        is_prefixed = ":" in name
        parser.StartElementHandler = _without_prefix(handler.start) if is_prefixed else handler.start
        parser.EndElementHandler = _without_prefix(handler.end) if is_prefixed else handler.end
        handler.start(name.rpartition(":")[2], attributes)

    parser.StartElementHandler = begin
    parser.ParseFile(stream)


def _without_prefix(listen: Callable[..., None]) -> Callable[..., None]:
    return lambda name, *rest: listen(name.rpartition(":")[2], *rest)


def _refuse_doctype(*_: object) -> None:
    # No workbook has one; it is where entities that unfold without end are declared.
    raise ValueError("a document type in a workbook")


class _Elements(_Handler):
    """The attributes of all elements of some names, in order; only of those inside another one."""

    def __init__(self, tags: tuple[str, ...], inside: str | None = None) -> None:
        self.tags, self.inside, self.is_inside = tags, inside, inside is None
        self.found: list[dict[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == self.inside:
            self.is_inside = True
        elif tag in self.tags and self.is_inside:
            self.found.append(attributes)

    def end(self, tag: str) -> None:
        if tag == self.inside:
            self.is_inside = False


class _Sheet(_Handler):
    def __init__(self, ten_thousand_styles: frozenset[str], max_columns: int) -> None:
        self.odd = Oddities()
        self.styles, self.max_columns = ten_thousand_styles, max_columns
        self.columns: dict[str, int] = {}
        self.row = self.column = 0
        self.kind, self.reference, self.style = "", None, None
        self.is_formula = self.has_value = False
        self.text = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self.reference = attributes.get("r")
            self.kind = attributes.get("t", "n")
            self.is_formula = self.has_value = False
            self.style = attributes.get("s")
        elif tag == "v":
            self.has_value = True
            if self.is_formula or self.kind == "e":
                self.text = ""
                self.parser.CharacterDataHandler = self._hear
        elif tag == "is":
            self.has_value = True
        elif tag == "f":
            self.is_formula = True
        elif tag == "row":
            self.row = int(attributes["r"]) if "r" in attributes else self.row + 1
            self.column = -1
            if attributes.get("hidden") in ("1", "true"):
                self.odd.hidden_rows.add(self.row)
        elif tag == "col" and attributes.get("hidden") in ("1", "true"):
            last = min(int(attributes["max"]), self.max_columns)
            self.odd.hidden_columns.update(range(int(attributes["min"]) - 1, last))

    def end(self, tag: str) -> None:
        if tag == "v":
            self.parser.CharacterDataHandler = None
        elif tag == "c":
            self._cell()
        elif tag == "sheetData":
            # What follows is only held to being XML.
            self.parser.StartElementHandler = self.parser.EndElementHandler = None

    def _hear(self, text: str) -> None:
        self.text += text

    def _place(self) -> None:
        reference = self.reference
        if reference is None:
            self.column += 1
            return
        letters = reference.rstrip("0123456789")
        self.row = int(reference[len(letters) :])
        if letters not in self.columns:
            self.columns[letters] = _column_index(letters)
        self.column = self.columns[letters]

    def _cell(self) -> None:
        self._place()
        if not (self.has_value or self.is_formula):
            return
        odd, place = self.odd, (self.row, self.column)
        if self.has_value:
            if self.row > odd.height or self.column >= odd.width:
                odd.reach(self.row, self.column + 1)
            if self.kind == "n" and self.style in self.styles:
                odd.ten_thousand.add(place)
        if self.kind == "e":
            odd.instead[place] = (self.text if self.has_value else "") or UNNAMED_ERROR
        elif self.is_formula and self.kind != "str" and not (self.has_value and self.text):
            # An empty text is the result of many a formula; an empty number was never calculated.
            odd.instead[place] = UNCALCULATED


def _column_index(letters: str) -> int:
    """A → 0, AA → 26. Errors: ValueError for what is no column."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > MAX_LETTERS:
        raise ValueError(letters)
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1
