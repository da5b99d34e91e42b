"""One reader for the small tables that staff import; `contracts` says what they hold.

A row comes out as text under its field names, canonical (declared names, 是/否, 2025-03, 2025-03-01, plain
numbers; '' = empty). One 强制 finding refuses the whole file: nothing is imported by halves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Mapping_
from dataclasses import dataclass
from pathlib import Path

from etl.intake.contracts import CONTRACTS, COUNTY, TEXT, Column, Contract, Kind, Row
from etl.intake.fields import plain
from etl.intake.finding import EXPLAIN, MUST, NOTE, Finding
from etl.intake.mapping import Mapping, apply
from etl.intake.receive import Refusal, TextTable, read_text_table
from etl.intake.rules import place_of
from etl.intake.words import CONTROL, DECIMALS, ERROR, EXCEL, NEGATIVE, PLAIN, TOTAL, Reader, Word
from etl.reference import Declared

LISTED_PER_CODE = 100
# A spreadsheet would run such a cell as a formula.
FORMULA_SIGNS = ("=", "+", "-", "@")


@dataclass(frozen=True)
class ImportRule:
    """A rule of the tables; its words may name {place}, {column}, {value} and {known}."""

    code: str
    severity: str
    what: str
    do: str


IMPORT_RULES = (
    ImportRule("T001", MUST, "缺少“{column}”列。", "请补上“{column}”列后重新导入。"),
    ImportRule("T002", MUST, "“{column}”列出现了不止一次。", "请只保留一列“{column}”。"),
    ImportRule("T003", NOTE, "“{column}”列不在约定之内，没有读取。", "如属需要的数据，请改用约定的列名。"),
    ImportRule("T004", MUST, "表中没有数据行。", "请填写至少一行后重新导入。"),
    ImportRule("T005", MUST, "{place}没有填写。", "请填写{place}。"),
    ImportRule("T006", MUST, "{place}的“{value}”不在可填的范围内。", "请改正，可填：{known}。"),
    ImportRule("T007", MUST, "{place}的“{value}”不是数字。", "请填写不带单位的数字，如 1234.5。"),
    ImportRule("T008", MUST, "{place}的“{value}”超出范围（{known}）。", "请核对数值和单位后改正。"),
    ImportRule("T009", MUST, "{place}的“{value}”不是可识别的月份。", "请写成 2025-03、2025年3月 或 202503。"),
    ImportRule("T010", MUST, "{place}的“{value}”不是可识别的日期。", "请写成 2025-03-01 或 2025年3月1日。"),
    ImportRule("T011", MUST, "{place}的“{value}”不是有效的统一社会信用代码。", "请对照营业执照逐位核对。"),
    ImportRule("T012", MUST, "{place}的代码被表格软件改成了数字“{value}”，原代码已丢失。",
               "请把该列设为“文本”格式后重新填写代码。"),
    ImportRule("T013", MUST, "{place}的“{value}”没有申报。", "请改用{known}中的名称，或先在清单中补充。"),
    ImportRule("T014", MUST, "{place}是表格的错误值“{value}”。", "请在表格软件中改正公式，保存后重新导入。"),
    ImportRule("T015", MUST, "{place}与第{known}行重复（{value}）。", "请只保留其中一行。"),
    ImportRule("T016", MUST, "{place}的“{value}”早于{known}。", "请核对起止时间。"),
    ImportRule("T017", EXPLAIN, "{place}为空，而状态为“开通”，无法确定从何时起计入。", "请补填开通日期。"),
    ImportRule("T018", NOTE, "{place}的“{value}”已读作“{known}”。", "理解无误则无须处理，否则请改正。"),
    ImportRule("T019", NOTE, "{known}类问题共{value}处，只列出前{place}处。", "请先改正已列出的，再看其余。"),
    ImportRule("T020", NOTE, "{place}是合计行，没有读取。", "如是数据，请改用具体的名称。"),
    ImportRule("T021", MUST, "{place}含有不可见的控制字符。", "请清除该单元格后重新填写。"),
    ImportRule("T022", EXPLAIN, "{place}为空，而{known}。", "原则上不得采用公路运输，请补填例外的依据。"),
    ImportRule("T023", MUST, "{place}与其他列不一致（{known}）。", "请把状态、销号日期和销号依据填齐。"),
)  # fmt: skip
RULE = {rule.code: rule for rule in IMPORT_RULES}
# Where the way a cell was read says more than its kind does: the rule's code, and what the message names.
BY_READING = {
    EXCEL: ("T012", ""),
    ERROR: ("T014", ""),
    CONTROL: ("T021", ""),
    NEGATIVE: ("T008", "不能为负数"),
    DECIMALS: ("T008", "小数位过多"),
}


def read_contract(
    path: Path, contract_name: str, declared: Declared, mapping: Mapping | None = None
) -> tuple[list[Row], list[Finding]]:
    """The rows of a table that staff import, and what was found.

    Empty: no rows where a finding is 强制, also where the file cannot be read at all; then nothing of
    it may be imported.
    Errors: KeyError for a contract that does not exist.
    """
    contract = CONTRACTS[contract_name]
    try:
        table = read_text_table(path, mapping, known=[column.header for column in contract.columns])
        table = apply(table, mapping) if mapping else table
    except Refusal as refusal:
        return [], [refusal.finding]
    reader = _TableReader(contract, declared, table)
    rows = reader.rows()
    findings = [*table.notes, *_capped(reader.findings)]
    return ([] if any(finding.severity == MUST for finding in findings) else rows), findings


def read_rows(
    rows: Sequence[Mapping_[str, str]], contract_name: str, declared: Declared
) -> tuple[list[Row], list[Finding]]:
    """Rows that were typed (our header → text), by the same contract as a file's; they count from 1.

    Empty and errors as `read_contract`; a header that the contract does not have is said (T003).
    """
    contract = CONTRACTS[contract_name]
    header = tuple(
        dict.fromkeys([*(c.header for c in contract.columns), *(name for row in rows for name in row)])
    )
    cells = [tuple(row.get(name) or None for name in header) for row in rows]
    table = TextTable(None, header, 0, cells, list(range(1, len(cells) + 1)), None, [])
    reader = _TableReader(contract, declared, table)
    found, findings = reader.rows(), list(_capped(reader.findings))
    return ([] if any(finding.severity == MUST for finding in findings) else found), findings


class _TotalRow(Exception):
    """A row of totals: 合计 where a name, a code or a month belongs."""


class _TableReader:
    """One table against one contract; what is wrong collects in `findings`."""

    def __init__(self, contract: Contract, declared: Declared, table: TextTable) -> None:
        self.contract, self.declared, self.table = contract, declared, table
        self.findings: list[Finding] = []
        self.headers = {column.field: column.header for column in contract.columns}
        self.readers: dict[int, Reader] = {}

    def rows(self) -> list[Row]:
        places = self._places()
        if not self.table.rows:
            self._find("T004", None, None, None)
        rows: list[Row] = []
        seen: dict[tuple[str, ...], int] = {}
        for number, cells in zip(self.table.row_numbers, self.table.rows, strict=True):
            row = self._row(number, {name: _unguarded(cells[place]) for name, place in places.items()})
            if row is None:
                continue
            key = tuple(row[name] for name in self.contract.key)
            first = seen.setdefault(key, number)
            if first != number:
                self._find("T015", number, None, "、".join(part for part in key if part), str(first))
            rows.append(row)
        return rows

    def _places(self) -> dict[str, int]:
        """Field → place of its column; what is missing, repeated or unknown is said."""
        known = {plain(column.header): column.field for column in self.contract.columns}
        places: dict[str, int] = {}
        for place, header in enumerate(self.table.header):
            name = known.get(plain(header))
            if name in places:
                self._find("T002", self.table.header_row, header, header)
            elif name:
                places[name] = place
            elif header:
                self._find("T003", self.table.header_row, header, header)
        for column in self.contract.columns:
            if column.required and column.field not in places:
                self._find("T001", self.table.header_row, column.header, None)
        return places

    def _row(self, number: int, written: Row) -> Row | None:
        """The row, canonical. Empty: None where a cell cannot be taken, and for a row of totals."""
        row: Row = {}
        before = len(self.findings)
        for column in self.contract.columns:
            try:
                value = self._value(number, column, written.get(column.field), row)
            except _TotalRow:
                del self.findings[before:]
                self._find("T020", number, column.header, written[column.field])
                return None
            if value is not None:
                row[column.field] = value
        if len(row) < len(self.contract.columns):
            return None
        for code, name, known in self.contract.finish(row):
            self._find(code, number, self.headers[name], written.get(name, ""), known)
        return row

    def _value(self, number: int, column: Column, cell: str | None, row: Row) -> str | None:
        """The value of a cell. Empty: None where it cannot be taken. Errors: _TotalRow."""
        kind = column.kind
        if not isinstance(kind, Kind):
            if "object_type" not in row:
                return None
            kind = kind[row["object_type"]]
            # The city as a whole needs no name.
            cell = cell or ("全市" if row["object_type"] == "全市" else cell)
        if not cell:
            # A missing column is said once, at the header.
            if column.required and cell is not None:
                self._find("T005", number, column.header, None)
            return None if column.required else column.default
        word = self._reader(kind)(cell)
        if word.value is None and word.reading == TOTAL and column.required:
            raise _TotalRow
        if word.value is None and word.reading == TOTAL and kind is TEXT:
            word = Word(cell)
        if word.value is None:
            code, known = BY_READING.get(word.reading, (kind.wrong, kind.known(self.declared)))
            self._find(code, number, column.header, cell, known)
        # A county's name is as good as its code.
        elif word.reading != PLAIN and kind is not COUNTY:
            self._find("T018", number, column.header, cell, word.value)
        return word.value

    def _reader(self, kind: Kind) -> Reader:
        if id(kind) not in self.readers:
            self.readers[id(kind)] = kind.reader(self.declared)
        return self.readers[id(kind)]

    def _find(
        self, code: str, row: int | None, column: str | None, value: str | None, known: str = ""
    ) -> None:
        sheet, place = self.table.sheet, place_of(self.table.sheet, row, column)
        words = {"column": column or "", "place": place, "value": value or "", "known": known}
        self.findings.append(_finding(code, sheet, row, column, value, words))


def _unguarded(cell: str | None) -> str:
    """The cell without blanks around it, and without the mark that an export puts before =, +, - and @."""
    text = (cell or "").strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_SIGNS else text


def _finding(
    code: str,
    sheet: str | None,
    row: int | None,
    column: str | None,
    value: str | None,
    words: dict[str, str],
) -> Finding:
    rule = RULE[code]
    what, do = rule.what.format(**words), rule.do.format(**words)
    return Finding(code, rule.severity, sheet, row, column, value, what, do)


def _capped(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first findings of each code; where more were found, a line says how many."""
    counted: Counter[str] = Counter()
    for one in findings:
        counted[one.code] += 1
        if counted[one.code] <= LISTED_PER_CODE:
            yield one
    for code, total in counted.items():
        if total > LISTED_PER_CODE:
            words = {"known": code, "value": str(total), "place": str(LISTED_PER_CODE)}
            yield _finding("T019", None, None, None, str(total), words)
