"""Files that nobody would write by hand: whatever comes in, an answer in words comes out, and exact totals.

What the fuzzing (tests/fuzz) has found stands here as well, each with the answer that it should get.
"""

from __future__ import annotations

import io
import random
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import returns
from fuzz.fuzz_intake import mutated
from fuzz.targets import Targets, holds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from returns import HEADERS, check, good, text_of

from etl.intake.words import is_total

FILES = sorted(path for path in (Path(__file__).parents[1] / "files").iterdir() if path.suffix != ".py")
TARGETS = Targets(returns.declared(), returns.registry(), returns.TODAY)
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

# ------------------------------------------------------------------------------------------- made by chance


PIECES = ("", '"', "\n", "\r", ",", "，", "\0", "\t", "０", "合计", "1e3", "\u3000", "\ufeff", "=", "#N/A")


def changed(content: bytes, most: int, draw: random.Random) -> bytes:
    """A few places changed: letters where it is text, else bytes."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    encoding = "latin-1" if text.encode() != content else "utf-8"
    for _ in range(draw.randint(1, 5)):
        start = draw.randrange(len(text) + 1)
        end = min(start + draw.randint(0, 12), len(text))
        piece = draw.choice((*PIECES, text[start:end] * 2, chr(draw.randrange(256))))
        text = text[:start] + piece + text[end:]
    return text.encode(encoding, "replace")[:most]


@given(path=st.sampled_from(FILES), seed=st.integers(0, 2**32 - 1))
def test_any_file_broken_anyhow_gets_an_answer(path, seed):
    draw = random.Random(seed)
    TARGETS.file(mutated(path.read_bytes(), 2**20, draw, lambda c, most: changed(c, most, draw)))


LETTERS = st.characters(exclude_characters="\r", exclude_categories=["Cs"])
ODD_TEXTS = st.one_of(
    st.text(LETTERS, max_size=8),
    st.sampled_from(
        ("#N/A", "零申报", "2025年3月", "45717", "=1+1", "@x", "是", "煤 炭", "０", "'", '"', "\n")
    ),
)
# Text as written, and the tonnes that it means; None: it is no number, and a finding.
TONNES = st.one_of(
    st.decimals(0, 10**12, places=3).map(lambda number: (f"{number:f}", number)),
    st.integers(0, 10**9).map(lambda number: (f"{number:,}", Decimal(number))),
    st.integers(0, 10**9).map(lambda number: (f" {number}".translate(FULL_WIDTH), Decimal(number))),
    st.sampled_from(
        ("1e3", "１e３", "--1", "1.2.3", "٣", "²", "½", "NaN", "Infinity", "1,00", "0x10", "1_000")
    ).map(lambda text: (text, None)),
)
FULL_WIDTH = {ord("0") + digit: ord("０") + digit for digit in range(10)}
FREE = ("对方单位", "备注", "装载", "起点", "终点", "短驳", "换装站", "企业名称")


@one_folder
@given(
    tonnes=st.lists(TONNES, min_size=1, max_size=6),
    odd=st.lists(st.tuples(st.sampled_from(FREE), ODD_TEXTS), max_size=6),
)
def test_totals_are_exact_whatever_stands_beside(tmp_path, tonnes, odd):
    rows = [good(运量吨=text) for text, _ in tonnes]
    for number, (column, text) in enumerate(odd):
        if is_total(text):
            continue
        rows[number % len(rows)][column] = text
    result = check(tmp_path, text_of(*rows))
    holds(result)
    assert result.rows == len(rows)
    assert result.tonnes == sum(number for _, number in tonnes if number is not None)
    assert result.totals.get("V006", 0) == sum(number is None for _, number in tonnes)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)),  # noqa: DTZ001 - a sheet has no zone
    st.sampled_from(("=1+1", "#DIV/0!", "#N/A", "合计", "小 计", "零申报", "月份", "运量吨", "长" * 30_000)),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8),
)


@settings(one_folder, max_examples=one_folder.max_examples // 2)
@given(st.data())
def test_any_workbook_gets_an_answer(tmp_path, data):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for _ in range(data.draw(st.integers(0, 3))):
        sheet.append(data.draw(st.lists(VALUES, max_size=4)))
    sheet.append(data.draw(st.permutations(HEADERS)) if data.draw(st.booleans()) else list(HEADERS))
    for row in data.draw(st.lists(st.lists(VALUES, max_size=len(HEADERS) + 2), max_size=4)):
        sheet.append(row)
    sheet.append([good().get(header) for header in HEADERS])
    for top, left, height, width in data.draw(
        st.lists(st.tuples(*[st.integers(1, 8)] * 2, *[st.integers(0, 3)] * 2), max_size=2)
    ):
        sheet.merge_cells(None, top, left, top + height, left + width)
    for number in data.draw(st.sets(st.integers(1, 9), max_size=3)):
        sheet.row_dimensions[number].hidden = True
    if data.draw(st.booleans()):
        sheet.column_dimensions["C"].hidden = True
    content = io.BytesIO()
    book.save(content)
    TARGETS.file(content.getvalue())


# ------------------------------------------------------------------------------- found, and mended since


def places(result) -> list[tuple[str, int | None, str | None]]:
    return [(found.code, found.row, found.column) for found in result.findings]


@pytest.mark.parametrize("header, column", [("填报单位编码", "第3列"), ("月份", "第1列")])
def test_a_bad_byte_in_the_header_is_named(tmp_path, header, column):
    """The header was read without the byte: its column became an unknown one, and the file was accepted."""
    content = text_of(good()).encode().replace(header.encode(), header.encode()[:-2] + b"\x0f\x81", 1)
    assert places(check(tmp_path, content)) == [("S006", 1, column)]
