"""Workbooks crafted against the reader: each ends with its own message, and the service goes on.

Every file here is small; what it claims to be, or unpacks to, is not.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from itertools import pairwise

import openpyxl
import pytest
import returns
import xlwt
from openpyxl.utils import get_column_letter
from returns import HEADERS, check, check_file, codes, good, text_of

from etl import listing
from etl.intake.check import check_files
from etl.intake.receive import read_text_table
from etl.intake.result import CheckResult
from etl.intake.returned import returned
from etl.intake.template import COLUMNS, ReportingUnit, template

SHEET, WORKBOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"


def a_workbook(*rows: dict[str, str]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "月报"
    sheet.append(HEADERS)
    for row in rows or (good(),):
        sheet.append([row.get(header) for header in HEADERS])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def an_old_workbook() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("月报")
    for number, header in enumerate(HEADERS):
        sheet.write(0, number, header)
        sheet.write(1, number, good().get(header, ""))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def changed(part: str, change: Callable[[bytes], bytes], book: bytes | None = None) -> bytes:
    """A workbook with one part changed."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book or a_workbook())) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package,
    ):
        for name in source.namelist():
            package.writestr(name, change(source.read(name)) if name == part else source.read(name))
    return target.getvalue()


def with_parts(**parts: bytes) -> bytes:
    """A good workbook with more in its package; `__` stands for a slash."""
    target = io.BytesIO(a_workbook())
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name.replace("__", "/"), content)
    return target.getvalue()


def with_cells(cells: str) -> bytes:
    """A good sheet with cells in rows of their own at its end."""
    return changed(SHEET, lambda xml: xml.replace(b"</sheetData>", cells.encode() + b"</sheetData>"))


def entities(xml: bytes) -> bytes:
    """A document type with entities that unfold to 10⁹ letters, and one of them in the first text."""
    lines = ['<!ENTITY a "aaaaaaaaaa">']
    lines += [f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in pairwise("abcdefghij")]
    root = re.match(rb"(<\?xml[^>]*>\s*)?<(\w+)", xml)
    assert root is not None
    doctype = f"<!DOCTYPE {root[2].decode()} [{''.join(lines)}]>".encode()
    head, body = (root[1] or b""), xml[len(root[1] or b"") :]
    return head + doctype + body.replace(b"</t>", b"&j;</t>", 1)


def lying(declared: int, content: bytes, *, is_consistent: bool) -> bytes:
    """A package whose sheet unpacks to more than it declares; `is_consistent`: with the checksum of the part."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr(WORKBOOK, "<workbook/>")
        package.writestr(SHEET, content)
    data = bytearray(target.getvalue())
    true, false = struct.pack("<I", len(content)), struct.pack("<I", declared)
    checksums = (zlib.crc32(content), zlib.crc32(content[:declared]))
    data = data.replace(true, false)
    if is_consistent:
        data = data.replace(struct.pack("<I", checksums[0]), struct.pack("<I", checksums[1]))
    return bytes(data)


def nested() -> bytes:
    """A zip of a workbook of zips."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as package:
        for number in range(20):
            package.writestr(f"{number}.xlsx", a_workbook())
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as package:
        package.writestr("月报.xlsx", inner.getvalue())
    return outer.getvalue()


def old_far_out(row: int, column: int) -> bytes:
    """An .xls of a few kilobytes with the place of one cell changed to far away."""
    data = bytearray(an_old_workbook())
    # The first text cell: LABELSST, ten bytes, row 0, column 0.
    at = data.index(struct.pack("<HHHH", 0xFD, 10, 0, 0)) + 4
    data[at : at + 4] = struct.pack("<HH", row, column)
    return bytes(data)


def endless_container() -> bytes:
    """An .xls whose directory's chain of sectors leads back to its own start."""
    data = bytearray(an_old_workbook())
    (table,) = struct.unpack_from("<I", data, 76)
    (directory,) = struct.unpack_from("<I", data, 48)
    struct.pack_into("<I", data, (table + 1) * 512 + directory * 4, directory)
    return bytes(data)


FAR = "第1048577行"
REFUSED = {
    # content, code, what the message must say
    "the size of a part is a lie": (lambda: lying(100, b"<row>" * 10_000, is_consistent=False), "S005", "已损坏"),
    "and so is its checksum": (lambda: lying(100, b"<row>" * 10_000, is_consistent=True), "S005", "已损坏"),
    "a gigabyte of which 100 bytes are declared": (
        lambda: lying(100, bytes(2**30), is_consistent=True), "S002", "解压后超过600MB",
    ),
    "a thousand parts of a megabyte": (
        lambda: with_parts(**{f"x__{number}": bytes(2**20) for number in range(1000)}), "S002", "解压后超过600MB",
    ),
    "zips in a zip": (nested, "S003", "压缩包"),
    "entities in a sheet": (lambda: changed(SHEET, entities), "S005", "已损坏"),
    "entities in the workbook": (lambda: changed(WORKBOOK, entities), "S005", "已损坏"),
    "a cell in column XFD": (lambda: with_cells('<row r="9"><c r="XFD9"><v>1</v></c></row>'), "S008", "16384列"),
    "a cell in no column": (lambda: with_cells('<row r="9"><c r="ZZZZZZ9"><v>1</v></c></row>'), "S005", "已损坏"),
    "a cell in a row of 5000 digits": (
        lambda: with_cells(f'<row r="{"9" * 5000}"><c><v>1</v></c></row>'), "S005", "已损坏",
    ),
    "a cell far below, 400 columns wide": (
        lambda: with_cells('<row r="1048576"><c r="OJ1048576"><v>1</v></c></row>'),
        "S002", "1048576行400列），超过3000万个单元格",
    ),
    "a cell in row 4 billion": (
        lambda: with_cells('<row r="4294967296"><c r="A4294967296"><v>1</v></c></row>'), "S002", "4294967296行",
    ),
    "an old cell in column 65536": (lambda: old_far_out(1, 65535), "S008", "65536列"),
    "an old container without end": (endless_container, "S005", "已损坏"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_crafted_workbook_is_refused_with_its_message(tmp_path, name):
    make, code, words = REFUSED[name]
    content = make()
    assert len(content) < 2 * 2**20
    result = check(tmp_path, content, "月报.xlsx")
    assert codes(result) == {code}
    (found,) = result.findings
    assert words in found.message
    assert (result.accepted, result.rows) == (False, 0)


def test_entities_in_styles_and_shared_texts_do_not_unfold(tmp_path):
    """Nobody resolves them: the file is refused or read without them, at once."""
    for part in (STYLES, "xl/sharedStrings.xml"):
        result = check(tmp_path, changed(part, entities))
        assert not codes(result) or codes(result) == {"S005"}, part


def test_far_merges_and_hidden_rows_cost_nothing(tmp_path):
    """A merge over all rows and columns fills the table and nothing beyond it."""

    def change(xml: bytes) -> bytes:
        merge = b'<mergeCells count="1"><mergeCell ref="T2:XFD1048576"/></mergeCells>'
        hidden = b'<row r="1048576" hidden="1"/></sheetData>'
        cols = b'<cols><col min="1" max="16384" hidden="1"/></cols><sheetData>'
        return xml.replace(b"<sheetData>", cols).replace(b"</sheetData>", hidden + merge)

    result = check(tmp_path, changed(SHEET, change, a_workbook(good(备注="x"), good(货类="焦炭"))))
    assert result.rows == 2
    assert result.accepted


def test_the_service_goes_on_after_crafted_files(tmp_path):
    """One child checks them one after the other, and the good file among them."""
    paths = []
    for number, (make, _, _) in enumerate(REFUSED.values()):
        paths.append(tmp_path / f"{number}.xlsx")
        paths[-1].write_bytes(make())
    paths.insert(3, tmp_path / "好.xlsx")
    paths[3].write_bytes(a_workbook())
    found = list(
        check_files(
            paths, returns.declared(), returns.registry(), mapping=None, today=returns.TODAY, rows_folder=None
        )
    )
    assert [result.accepted for result in found] == [path.name == "好.xlsx" for path in paths]
    assert all(isinstance(result, CheckResult) and "S009" not in codes(result) for result in found)


# ------------------------------------------------------------------------------ what is there and not run


HARMLESS = {
    "macros": {"xl__vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(600)},
    "an external link": {
        "xl__externalLinks__externalLink1.xml": b'<externalLink><ddeLink ddeService="cmd" '
        b'ddeTopic="/c calc"/></externalLink>',
        "xl__externalLinks___rels__externalLink1.xml.rels": b'<Relationships><Relationship Id="r1" '
        b'TargetMode="External" Target="file:///C:/x.xlsx"/></Relationships>',
    },
    "names that lead out of the folder": {
        "..__..__outside.txt": b"x",
        "__etc__outside.txt": b"x",
        "C:\\outside": b"x",
    },
    "a part twice the name in other letters": {"XL__WORKBOOK.XML~": b"<x/>"},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_workbook_carries_beside_its_cells_is_let_be(tmp_path, name):
    """Nothing is unpacked to disk, opened or run: the cells are read, and that is all."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    result = check(folder, with_parts(**HARMLESS[name]))
    assert (codes(result), result.rows) == (set(), 1)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["月报.csv"]


def test_links_and_calls_in_formulas_are_their_last_result(tmp_path):
    """DDE, web queries and links to other files: only the value that was saved is read."""
    calls = ("=cmd|'/C calc'!A0", '=WEBSERVICE("x")', "='[1]表'!A1", '=HYPERLINK("x","y")')
    column = get_column_letter(HEADERS.index("备注") + 1)

    def change(xml: bytes) -> bytes:
        for row, call in enumerate(calls, start=2):
            cell = f'<c r="{column}{row}" t="str"><f>{call[1:]}</f><v>结果{row}</v></c>'.encode()
            start, _, end = xml.partition(b'<row r="%d"' % row)
            xml = start + b'<row r="%d"' % row + end.replace(b"</row>", cell + b"</row>", 1)
        return xml

    path = tmp_path / "月报.xlsx"
    path.write_bytes(changed(SHEET, change, a_workbook(*[good(运量吨=str(n)) for n in range(1, 5)])))
    table = read_text_table(path)
    assert [row[HEADERS.index("备注")] for row in table.rows] == [f"结果{row}" for row in range(2, 6)]
    assert codes(check_file(path)) == set()


def test_a_symbolic_link_is_the_file_it_leads_to(tmp_path):
    """Uploads are bytes; a link in an inbox is read like a file, and one that leads nowhere says so."""
    (tmp_path / "其实.csv").write_text(text_of(good()), encoding="utf-8")
    (tmp_path / "月报.xlsx").symlink_to(tmp_path / "其实.csv")
    assert check_file(tmp_path / "月报.xlsx").accepted
    (tmp_path / "断.csv").symlink_to(tmp_path / "无.csv")
    with pytest.raises(FileNotFoundError):
        check_file(tmp_path / "断.csv")


@pytest.mark.parametrize("content, name", [(a_workbook(), "月报.xls"), (an_old_workbook(), "月报.xlsx")])
def test_a_workbook_under_the_other_kind_s_name_is_read(tmp_path, content, name):
    assert (codes(check(tmp_path, content, name)), check(tmp_path, content, name).rows) == (set(), 1)


def test_lone_carriage_returns_end_lines(tmp_path):
    result = check(tmp_path, text_of(good(), good(货类="焦炭")).replace("\n", "\r"))
    assert (codes(result), result.rows) == (set(), 2)


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;[x](javascript:1) :red[x] $x$ {value} %s"


def test_markup_in_every_text_is_text(tmp_path):
    """In findings, in the JSON and in the report it stands as it was written."""
    result = check(tmp_path, text_of(*[good(**{header: MARKUP}) for header in HEADERS]))
    assert result.rows == len(HEADERS)
    quoted = [found for found in result.findings if found.value]
    assert len(quoted) > len(HEADERS) // 2
    assert all(found.value == MARKUP and MARKUP in found.message for found in quoted)
    book = openpyxl.load_workbook(io.BytesIO(returned(tmp_path / "月报.csv", result)))
    assert book.worksheets[0].cell(2, HEADERS.index("月份") + 1).value == MARKUP


# --------------------------------------------------------------------- text that a spreadsheet would run


FORMULAS = ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "=cmd|'/C calc'!A0")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_stays_text_in_every_export(tmp_path, text):
    """In the report and the template it is a text cell that is read back unchanged; in a CSV it has a mark."""
    path = tmp_path / "月报.csv"
    content = text_of(good(对方单位="甲", 运量吨="x")).replace("甲", f'"{text}"')
    path.write_text(content, encoding="utf-8", newline="")
    for _ in range(2):
        report = returned(path, check_file(path))
        path = tmp_path / "报告.xlsx"
        path.write_bytes(report)
        cell = openpyxl.load_workbook(path).worksheets[0].cell(2, HEADERS.index("对方单位") + 1)
        assert (cell.data_type, cell.quotePrefix) == ("s", True)
        (row,) = read_text_table(path).rows
        assert row[HEADERS.index("对方单位")] == text
    unit = ReportingUnit(returns.MINE, returns.MINE, returns.MINE_NAME)
    made = tmp_path / "模板.xlsx"
    made.write_bytes(
        template(returns.declared(), unit, returns.TODAY.replace(day=1), ({"counterparty": text},))
    )
    sheet = openpyxl.load_workbook(made).worksheets[0]
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert "f" not in kinds
    table = read_text_table(made)
    place = [field.header for field in COLUMNS].index("对方单位")
    assert text in [row[place] for row in table.rows]
    assert listing.csv_cell(text) == f"'{text}"
