"""Which of their columns is which of ours: proposed from headers and values, confirmed by the clerk.

Headers that the reader knows by itself (same name, alias) are taken as the reader takes them. For any
other column the header's likeness to words of the trade and what its cells say are weighed; under a
threshold nothing is proposed. A guess never reads a file: it becomes a mapping once it is confirmed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
from rapidfuzz import fuzz

from etl.intake import words as w
from etl.intake.fields import (
    FIELD_BY_NAME,
    HEADER_TO_FIELD,
    OTHER_UNITS,
    RETURN_FIELDS,
    RETURN_HEADERS,
    other_unit,
    plain,
)
from etl.intake.finding import Refusal
from etl.intake.header import is_own_sheet, without_own
from etl.intake.mapping import Mapping, read_mapping
from etl.intake.receive import DELIMITERS, HEADER_WITHIN, TextSource, open_table
from etl.intake.registry_view import RegistryView
from etl.intake.spreadsheet import Cell, read_workbook
from etl.reference import Declared

SAME, ALIAS, SIMILAR, REMEMBERED = "同名", "别名", "相近", "已记住"
NO_BASIS = ""
TEN_THOUSAND = "万吨"
TONNES = FIELD_BY_NAME["tonnes"].header

# Words of the trade that are like a column of ours, but not sure enough to be read as one unasked.
LIKE: dict[str, tuple[str, ...]] = {
    "month": ("年月", "所属月份", "运输月份", "日期", "运输日期", "过磅日期", "发运日期"),
    "uscc": ("企业代码", "社会统一信用代码", "组织代码"),
    "unit_code": ("单位编码", "单位编号"),
    "enterprise_name": ("公司名称", "企业", "单位", "填报企业", "报送单位"),
    "commodity": ("货物名称", "货名", "品名", "品种", "煤种", "物料", "物料名称", "货物", "货物种类"),
    "direction": ("发到", "收发", "进出", "发运到达", "收发类型", "运输方向"),
    "mode": ("运输类型", "运输工具", "方式", "运输形式"),
    "origin": ("始发站", "始发地", "装车站", "装车点", "装货地", "发货地", "发货地点", "起运站", "起始地", "出发地"),
    "destination": ("终到站", "到达站", "卸车站", "卸车点", "卸货地", "收货地", "收货地点", "目的地", "到货地"),
    "counterparty": ("收货单位", "发货单位", "客户", "客户名称", "收货人", "发货人", "对方企业", "货主"),
    "corridor": ("铁路通道", "运输通道", "线路"),
    "distance_km": ("里程", "公里数", "运输距离", "运输里程", "里程公里", "距离"),
    "tonnes": ("净重", "重量", "吨数", "吨位", "实际重量", "运输量", "发运量", "数量", "实载吨数"),
    "drayage": ("短倒", "短途接驳", "是否短倒"),
    "transfer_station": ("换装点", "集运站", "接驳站", "中转站"),
    "loading": ("装载形式", "装运方式", "箱型"),
    "boxes": ("集装箱数", "箱量"),
    "vehicles": ("车辆数", "车次", "车皮数"),
    "weighing_basis": ("计量方式", "计重依据", "计量单据"),
    "note": ("说明", "附注", "备考"),
}  # fmt: skip
_WORDS = {
    field.name: tuple(plain(word) for word in (field.header, *field.aliases, *LIKE[field.name]))
    for field in RETURN_FIELDS
}
_VOCABULARY = {word: name for name, words in _WORDS.items() for word in words}
# What looks like tonnes and is another number: of other months, of a plan, of money.
_NOT_TONNES = re.compile(r"累计|同比|同期|上年|去年|计划|合同|毛重|皮重|价|费|金额|元|m3|方", re.I)
_IN_BRACKETS = re.compile(r"[(\[【].*?[)\]】]")

# Two headers are alike from two letters of three on.
LIKENESS = 0.66
# Of two columns that are as likely the tonnes, the one in tonnes comes first.
LESS_SURE = 0.1
# Cells speak for a column when nine of ten say one of its words, and against it when half say none.
SPEAKS, CONTRADICTS = 0.9, 0.5
SAID_BY_VALUES = 0.6
VALUES_ADD = 0.5
# Columns that their cells can tell alone, whatever the header says.
_TOLD_BY_VALUES = frozenset(
    {"month", "uscc", "unit_code", "enterprise_name", "commodity", "direction", "mode", "origin", "destination",
     "corridor", "loading", "weighing_basis"}
)  # fmt: skip
_MUST_BE_READ = frozenset({*w.NUMBERS, "month"})
_PLACES = frozenset({"origin", "destination", "transfer_station"})
# Read by comparing with the unit itself, or as any words: cells never speak against these.
_OPEN = _PLACES | {"uscc", "unit_code", "enterprise_name"}
_FREE = frozenset({"counterparty", "note"})

SAMPLE_ROWS = 200
SHOWN = 3
# Columns of flows that are enough to be sure of a header row.
SURE = 3
_HEAD_FIELDS = frozenset(field.name for field in RETURN_FIELDS if field.in_head_block)
LONGEST_LABEL = 30
_NUMBER = re.compile(r"[-+]?[\d,. ]*\d[\d,. ]*%?")


@dataclass(frozen=True)
class Match:
    """One of their columns. `position` counts from 1; `field` is our name, None = not one of ours.

    `basis` says why: 同名, 别名, 相近, 已记住, '' = no proposal. `samples`: up to three first filled cells.
    """

    position: int
    header: str
    field: str | None
    basis: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """How a file could be read. A column without header and cells is not listed, any other is.

    `missing`: our headers that are required and that neither a column nor the head block has.
    `scaled`: the position of a column in another unit (万吨, 公斤) that would be the tonnes. `signature`:
    sha256 of the header. `head`: what the head block says, our header → text. `header_row` is 0 where the
    file has no header.
    """

    sheet: str | None
    header_row: int
    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    scaled: int | None
    signature: str
    head: dict[str, str]

    @property
    def chosen(self) -> dict[int, str]:
        """What is proposed: position → field."""
        return {match.position: match.field for match in self.matches if match.field}

    @property
    def header(self) -> tuple[str, ...]:
        """Their header, with '' for a column that is not listed."""
        names = {match.position: match.header for match in self.matches}
        return tuple(names.get(position, "") for position in range(1, max(names, default=0) + 1))

    @property
    def needs_confirmation(self) -> bool:
        """True unless every column is 同名, 别名 or 已记住, nothing is missing and all counts in tonnes."""
        is_known = all(match.basis in (SAME, ALIAS, REMEMBERED) for match in self.matches)
        return not is_known or bool(self.missing) or self.scaled is not None or self.header_row == 0

    @property
    def is_ordinary(self) -> bool:
        """The file is read the same without a mapping, with all its notes; so it needs none."""
        if self.header_row == 0 or self.missing or self.scaled is not None:
            return False
        read: dict[str, int] = {}
        for match in self.matches:
            name = HEADER_TO_FIELD.get(plain(match.header))
            if name is not None and name in read:
                return False
            if name is not None:
                read[name] = match.position
        return {position: name for name, position in read.items()} == self.chosen


def propose(
    path: Path,
    declared: Declared,
    registry: pa.Table,
    unit_code: str,
    remembered: Dictionary[str, str] | None = None,
) -> Proposal:
    """How the columns of a unit's file could be read. `remembered`: signature → confirmed mapping (TOML).

    Parses the file: call it in a child process. Errors: Refusal when the file cannot be read.
    """
    remembered = remembered or {}
    view = RegistryView.of(registry, declared.plan.unit_key)
    readers = w.readers(declared, view.parks, None)
    with tempfile.TemporaryDirectory() as scratch:
        source = _open(path, Path(scratch), readers, remembered)
        rows = [row for _, row in islice(source.rows(), SAMPLE_ROWS)]
    header = source.header
    columns = [
        [row[index] or "" for row in rows if index < len(row) and row[index]] for index in range(len(header))
    ]
    sign = signature(header)
    known = _remembered_fields(remembered.get(sign), header)
    if known is not None:
        # Without a header only the number of columns tells the layout: it is asked about again.
        basis = REMEMBERED if source.header_row else SIMILAR
        fields: Fields = {
            index: (known.get(index), basis if index in known or source.header_row else NO_BASIS)
            for index in range(len(header))
        }
    else:
        fields = _by_header(header)
        taken = {name for name, _ in fields.values()}
        fields |= _by_likeness(
            {index: (header[index], columns[index]) for index in range(len(header)) if index not in fields},
            [field.name for field in RETURN_FIELDS if field.name not in taken],
            _Evidence(readers, _own_words(view, unit_code)),
        )
    matches = tuple(
        Match(index + 1, name, *fields.get(index, (None, NO_BASIS)), tuple(columns[index][:SHOWN]))
        for index, name in enumerate(header)
        if name or columns[index]
    )
    scaled = [
        match
        for match in matches
        if (unit := other_unit(match.header)) and (unit == TEN_THOUSAND or match.field == "tonnes")
    ]
    head = {name: text for name, (text, _) in source.head.items()}
    return Proposal(
        source.sheet,
        source.header_row,
        matches,
        _missing({match.field for match in matches}, head, declared.plan.unit_key),
        next((m.position for m in sorted(scaled, key=lambda m: m.field != "tonnes")), None),
        sign,
        head,
    )


def signature(header: Sequence[str]) -> str:
    """What a layout is known by: the sha256 of its header, whatever its blanks and widths."""
    names = [plain(name) for name in header]
    while names and not names[-1]:
        names.pop()
    return hashlib.sha256(json.dumps(names, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()


def mapping_of(
    proposal: Proposal,
    chosen: Dictionary[int, str],
    *,
    constants: Dictionary[str, str] | None = None,
    converts: bool = False,
) -> Mapping:
    """The mapping that takes `chosen` (position → field); `constants`: our header → one text for all rows.

    A column goes by its header; by its number where the header is empty, repeated, or there is none.
    `converts`: the clerk said yes to the other unit of the tonnes. Errors: ValueError (Chinese) for two columns
    of one field, and for a column in another unit as tonnes without that answer.
    """
    headers = {match.position: match.header for match in proposal.matches}
    often = Counter(headers.values())
    lines = [] if proposal.header_row else ["header = false"]
    columns: list[str] = []
    seen: dict[str, int] = {}
    for position, name in sorted(chosen.items()):
        ours, theirs = FIELD_BY_NAME[name].header, headers.get(position, "")
        if name in seen:
            raise ValueError(f"“{ours}”选了两列：第{seen[name]}列和第{position}列。请只为“{ours}”选一列。")
        seen[name] = position
        is_named = bool(proposal.header_row and theirs and often[theirs] == 1 and _is_writable(theirs))
        columns.append(f"{_toml(ours)} = {_toml(theirs) if is_named else position}")
    lines += ["[columns]", *columns]
    fixed = {ours: text for ours, text in (constants or {}).items() if text}
    if fixed:
        lines += ["[constants]", *(f"{_toml(ours)} = {_toml(text)}" for ours, text in fixed.items())]
    theirs = headers.get(seen.get("tonnes", 0), "")
    if unit := other_unit(theirs):
        if not converts:
            raise ValueError(f"“{theirs}”列以{unit}计，请先确认换算成吨，或改选以吨计的列。")
        lines += ["[factor]", f'{_toml(TONNES)} = "{OTHER_UNITS[unit]}"']
    return read_mapping("\n".join(lines) + "\n")


def _toml(text: str) -> str:
    """A TOML string. JSON's escapes are TOML's, but for DEL, which TOML wants escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _is_writable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


# -------------------------------------------------------------------------------------- where the table is


def _open(
    path: Path, scratch: Path, readers: Dictionary[str, w.Reader], remembered: Collection[str]
) -> TextSource:
    """The table with the header row that fits best, also one none of whose words is known."""
    source = open_table(path, scratch, None, _VOCABULARY.keys() | RETURN_HEADERS)
    if signature(source.header) in remembered or len(_flow_fields(source.header)) >= SURE:
        return source
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    is_headerless = False
    for rows in _tops(source):
        found = _likeliest_header(rows, readers, remembered)
        best = max(best, found, key=lambda entry: entry[0])
        first = next((_filled(row) for row in rows if len(_filled(row)) > 1), [])
        is_headerless |= sum(_is_data(cell, readers) for cell in first) * 2 >= len(first) > 0
    if best[1]:
        # Opened as the check opens it under the mapping: by the header's words.
        names = {name: name for name in best[1] if name}
        return open_table(path, scratch, Mapping("", columns=names))
    return open_table(path, scratch, Mapping("", has_header=False)) if is_headerless else source


def _flow_fields(header: Sequence[str]) -> set[str]:
    return {_VOCABULARY[plain(name)] for name in header if plain(name) in _VOCABULARY} - _HEAD_FIELDS


def _tops(source: TextSource) -> Iterator[list[Sequence[Cell]]]:
    """The first rows of each sheet, or of the text under each delimiter."""
    if source.text is None:
        for sheet in read_workbook(source.file, source.kind == "xlsx").sheets:
            if not is_own_sheet(sheet):
                yield list(sheet.rows[: HEADER_WITHIN + SURE])
        return
    for delimiter in DELIMITERS:
        with source.text.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            try:
                yield list(islice(csv.reader(lines, delimiter=delimiter), HEADER_WITHIN + SURE))
            except csv.Error:
                continue


def _likeliest_header(
    rows: Sequence[Sequence[Cell]], readers: Dictionary[str, w.Reader], remembered: Collection[str]
) -> tuple[float, tuple[str, ...]]:
    """(score, header) of the row that is most like a header above a table. Without any: 0 and nothing."""
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        labels = _filled(row)
        if len(set(labels)) < 2 or sum(_is_data(cell, readers) for cell in labels) * 5 > len(labels):
            continue
        header, _ = without_own(tuple(" ".join((cell or "").split()) for cell in row))
        if signature(header) in remembered:
            return float("inf"), header
        below = [each for each in rows[number + 1 : number + 1 + SURE] if len(_filled(each)) > 1]
        data = sum(
            any(index < len(each) and _is_data(each[index] or "", readers) for each in below)
            for index, name in enumerate(header)
            if name
        )
        if data:
            likeness = sum(max(_likenesses(name).values()) >= LIKENESS for name in set(labels))
            best = max(best, (likeness + data / 2 + len(labels) / 10, header), key=lambda entry: entry[0])
    return best


def _filled(row: Sequence[Cell]) -> list[str]:
    return [cell for cell in row if cell and not cell.isspace()]


def _is_data(cell: str, readers: Dictionary[str, w.Reader]) -> bool:
    """A cell that is no label: a number, a month, a code, a word of a list, a pair such as 填表人：张三."""
    tidy = w.half_width(cell)
    if not tidy:
        return False
    lists = ("commodity", "direction", "mode", "drayage", "loading")
    return (
        len(tidy) > LONGEST_LABEL
        or _NUMBER.fullmatch(tidy) is not None
        or bool(tidy.partition(":")[2])
        or readers["month"](cell).value is not None
        or w.read_uscc(cell).value is not None
        or any(readers[name](cell).value is not None for name in lists)
    )


# --------------------------------------------------------------------------------------- which column is which


Fields = dict[int, tuple[str | None, str]]


def _remembered_fields(text: str | None, header: Sequence[str]) -> dict[int, str] | None:
    """Index → field as it was confirmed; None where nothing was, or it no longer fits."""
    if text is None:
        return None
    try:
        mapping = read_mapping(text)
        return {
            mapping.position(column, header): HEADER_TO_FIELD[ours]
            for ours, column in mapping.columns.items()
        }
    except (Refusal, KeyError):
        return None


def _by_header(header: Sequence[str]) -> Fields:
    """The columns that the reader knows: our names before aliases, of two alike the first."""
    fields: Fields = {}
    taken: set[str] = set()
    for basis in (SAME, ALIAS):
        for index, written in enumerate(header):
            name = HEADER_TO_FIELD.get(plain(written))
            is_same = name is not None and plain(written) == FIELD_BY_NAME[name].header
            if name is None or name in taken or is_same != (basis == SAME):
                continue
            fields[index] = name, basis
            taken.add(name)
    return fields


@dataclass(frozen=True)
class _Evidence:
    """What cells say of a column. `own`: field → folded words that name the unit itself."""

    readers: Dictionary[str, w.Reader]
    own: Dictionary[str, frozenset[str]]

    def share(self, name: str, cells: Sequence[str]) -> float | None:
        """Which part of the cells reads as this field; None where cells cannot tell."""
        said = [cell for cell in cells if not cell.isspace() and not w.is_total(cell)]
        if not said or name in _FREE:
            return None
        return sum(self._reads(name, cell) for cell in said) / len(said)

    def _reads(self, name: str, cell: str) -> bool:
        if name in self.own:
            return w.fold(cell).upper() in self.own[name]
        word = self.readers[name](cell)
        if name in _PLACES:
            return word.extra is not None
        return word.value is not None or word.reading in (w.NEGATIVE, w.DECIMALS, w.AMBIGUOUS)


def _own_words(view: RegistryView, unit_code: str) -> dict[str, frozenset[str]]:
    names = [name for _, name in view.names.get(unit_code, [])]
    words = {
        "uscc": [view.owners.get(unit_code, "")],
        "unit_code": [unit_code],
        "enterprise_name": names,
    }
    return {name: frozenset(w.fold(word).upper() for word in said) for name, said in words.items()}


def _by_likeness(
    columns: dict[int, tuple[str, list[str]]], names: Sequence[str], evidence: _Evidence
) -> Fields:
    """The best pairs of column and field, each used once: by score, then from left to right."""
    pairs = []
    for index, (header, cells) in columns.items():
        likenesses = _likenesses(header)
        for place, name in enumerate(names):
            score = _score(name, header, likenesses[name], evidence.share(name, cells))
            if score:
                pairs.append((-score, index, place, name))
    fields: Fields = {}
    taken: set[str] = set()
    for _, index, _, name in sorted(pairs):
        if index not in fields and name not in taken:
            fields[index] = name, SIMILAR
            taken.add(name)
    return fields


def _likenesses(header: str) -> dict[str, float]:
    """Field → how alike the header and its words are, 0 to 1; without what stands in brackets, too."""
    written = plain(header)
    forms = {form for form in (written, _IN_BRACKETS.sub("", written)) if form}
    return {
        name: max((fuzz.ratio(form, word) / 100 for form in forms for word in words), default=0.0)
        for name, words in _WORDS.items()
    }


def _score(name: str, header: str, likeness: float, share: float | None) -> float:
    """How well a column fits a field; 0 = not at all."""
    if name == "tonnes" and _NOT_TONNES.search(plain(header)):
        return 0
    # Of a list the words may all be theirs, where the header is sure; a number or a month is one or is not.
    least = CONTRADICTS if name in _MUST_BE_READ else 0 if likeness == 1 else 1 / SAMPLE_ROWS
    if share is not None and name not in _OPEN and share < least:
        return 0
    speaks = share is not None and share >= SPEAKS and name in _TOLD_BY_VALUES
    if likeness >= LIKENESS:
        is_scaled = name == "tonnes" and other_unit(header) is not None
        return likeness + (VALUES_ADD if speaks else 0) - (LESS_SURE if is_scaled else 0)
    return SAID_BY_VALUES + likeness / 10 if speaks else 0


def _missing(fields: Collection[str | None], head: Collection[str], unit_key: str) -> tuple[str, ...]:
    found = {*fields, *(HEADER_TO_FIELD[name] for name in head)}
    required = [field for field in RETURN_FIELDS if field.required]
    if unit_key != "uscc" and found & {"uscc", "unit_code"}:
        required = [field for field in required if field.name != "uscc"]
    return tuple(field.header for field in required if field.name not in found)
