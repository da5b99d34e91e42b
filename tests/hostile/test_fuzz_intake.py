"""Files that nobody would write by hand: whatever comes in, an answer in words comes out, and exact totals.

What the fuzzing (tests/fuzz) has found stands here as well, each with the answer that it should get.
"""

from __future__ import annotations

import pytest
from returns import check, good, text_of

# ------------------------------------------------------------------------------- found, and mended since


def places(result) -> list[tuple[str, int | None, str | None]]:
    return [(found.code, found.row, found.column) for found in result.findings]


@pytest.mark.parametrize("header, column", [("填报单位编码", "第3列"), ("月份", "第1列")])
def test_a_bad_byte_in_the_header_is_named(tmp_path, header, column):
    """The header was read without the byte: its column became an unknown one, and the file was accepted."""
    content = text_of(good()).encode().replace(header.encode(), header.encode()[:-2] + b"\x0f\x81", 1)
    assert places(check(tmp_path, content)) == [("S006", 1, column)]
