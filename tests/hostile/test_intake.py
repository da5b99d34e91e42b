"""Files made to break the reader, or merely broken: a refusal in words, never a traceback."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from returns import HEADERS, check, check_file, codes, good, text_of

REAL_SHEETS = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "sheets"


def package(**parts: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return target.getvalue()


def a_workbook() -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0].append(HEADERS)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def a_bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte of a sheet."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(700):
                part.write(b"<row>" * (2**20 // 5))
    return target.getvalue()


HOSTILE = {
    "zip bomb": (a_bomb(), "S002"),
    "zip that is no workbook": (package(**{"a.txt": b"x"}), "S003"),
    "workbook cut short": (a_workbook()[:1500], "S005"),
    "workbook without parts": (
        package(**{"[Content_Types].xml": b"<Types/>", "xl__workbook.xml": b"<w/>"}),
        "S005",
    ),
    "entities in the workbook": (
        package(
            **{
                "[Content_Types].xml": b"<Types/>",
                "xl__workbook.xml": b'<!DOCTYPE w [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><w>&b;</w>',
                "xl___rels__workbook.xml.rels": b"<r/>",
            }
        ),
        "S005",
    ),
    "xlsb": (package(**{"xl__workbook.bin": b"x"}), "S003"),
    "word": (package(**{"word__document.xml": b"x"}), "S003"),
    "old word": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le") + bytes(512),
        "S003",
    ),
    "damaged xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2048), "S005"),
    "html as xls": (b"<html><table><tr><td>1</td></tr></table></html>", "S003"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), "S003"),
    "program": (b"\x7fELF\x02\x01" + bytes(64), "S003"),
    "zeros": (bytes(4096), "S003"),
    "gzip cut short": (gzip.compress(text_of(good()).encode())[:-12], "S003"),
    "gzip of nothing": (gzip.compress(b""), "S001"),
    "only blank lines": (b"\n\n\n", "S116"),
    "only blanks": (b" , , \n", "S116"),
    "a cell of two million": (text_of(good(备注="长" * 2_000_000)), "S007"),
    "a quote never closed": (text_of(good()) + '"' + "长" * 200_000, "S007"),
    "a hundred thousand columns": (",".join(["运量吨"] * 100_000) + "\n1", "S008"),
    "one line without end": ("x" * 3_000_000, "S007"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_words(tmp_path, name):
    content, code = HOSTILE[name]
    result = check(tmp_path, content)
    assert codes(result) == {code}
    assert (result.accepted, result.rows, result.unit_months) == (False, 0, ())
    (found,) = result.findings
    assert found.severity == "强制"
    assert found.remedy.startswith("请")
    assert "Error" not in found.message
    assert len(found.message) < 300


def test_nul_bytes_in_a_cell_are_named(tmp_path):
    result = check(tmp_path, text_of(good(), good(货类="焦\0炭")))
    assert {(f.code, f.row, f.column) for f in result.findings} == {("V005", 3, "货类")}


def test_a_million_forms_of_a_number_do_not_pass(tmp_path):
    words = [
        "1e3",
        "1E3",
        "0x10",
        "1_000",
        "+5",
        "∞",
        "NaN",
        "inf",
        "１e３",
        "٣",
        "²",
        "1,00",
        "1.2.3",
        "--1",
        "1-",
        "½",
    ]
    result = check(tmp_path, text_of(*[good(运量吨=word) for word in words]))
    assert {f.row for f in result.findings if f.code == "V006"} == set(range(2, 2 + len(words)))
    assert result.tonnes == 0


def test_words_of_sql_are_words(tmp_path):
    nasty = "'; DROP TABLE raw; --"
    result = check(tmp_path, text_of(good(备注=nasty, 起点=nasty, 对方单位="{value}"), good(货类="{place}'")))
    assert result.rows == 2
    assert codes(result) == {"V013"}


@pytest.mark.skipif(not REAL_SHEETS.is_dir(), reason="the public sheets are not beside the project")
def test_sheets_of_others_get_an_answer_a_clerk_can_act_on():
    for path in sorted(REAL_SHEETS.iterdir()):
        result = check_file(path)
        assert not result.accepted
        assert all(found.message and found.remedy for found in result.findings)
        assert codes(result) & {"S004", "S116"}, path.name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    content=st.one_of(
        st.binary(max_size=400), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))
    )
)
def test_any_bytes_get_an_answer(tmp_path, content):
    result = check(tmp_path, content)
    assert not result.accepted
    assert result.findings


# A bare carriage return ends a line, so it would make more rows.
LINES = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cells=st.lists(LINES, min_size=len(HEADERS), max_size=len(HEADERS)))
def test_any_cells_get_an_answer(tmp_path, cells):
    result = check(tmp_path, text_of(dict(zip(HEADERS, cells, strict=True)), good()))
    assert result.rows in (0, 1, 2)
    assert sum(result.totals.values()) >= len(result.findings)
