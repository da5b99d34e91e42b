"""A text comes out of a PDF as it went in: no markup, no missing character, every font inside, the same each time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import pypdf
import pytest
import typst

from etl.briefing import pdf

MARKUP = '#import "x" *粗* _斜_ $x^2$ \\ " \' @甲 <乙> = 标题 // 注 #let a = 1 [括号] {花} `码` -- --- ~'
PACKAGED = Path(pylopdf_fonts_zh_cn.__file__).parent


@pytest.fixture(params=["system", "packaged"])
def fonts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With this machine's fonts, and as on one that has none."""
    if request.param == "packaged":
        only = typst.Fonts(False, False, [PACKAGED])
        monkeypatch.setattr(pdf, "_fonts", lambda: only)
    return request.param


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def probe(text: str) -> str:
    return text_of(pdf.render("probe", {"text": text}, "试")).strip()


def embedded_fonts(content: bytes) -> Iterator[tuple[str, bool]]:
    """Name of each font of the pages, and whether its glyphs are in the file."""
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        resources: Any = page["/Resources"]
        for reference in resources["/Font"].values():
            font = reference.get_object()
            inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            descriptor = inner["/FontDescriptor"].get_object()
            yield font["/BaseFont"], any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3"))


@pytest.mark.parametrize(
    "text",
    ["忻州市公转铁1表", MARKUP, "㛃㙍䶮垚堃", "A—Z 1—9月 〔2023〕7号 ％ ² ①", "fi ffl é ß", "a  b"],
)
def test_a_text_is_a_text(fonts: str, text: str):
    assert probe(text) == text


def test_every_font_is_inside(fonts: str):
    found = dict(embedded_fonts(pdf.render("probe", {"text": "忻州 Xinzhou 1"}, "试")))
    assert found
    assert all(found.values()), found
    if fonts == "packaged":
        assert all("NotoSerifSC" in name for name in found)


def test_a_character_without_a_glyph_stands_as_its_code(fonts: str):
    """No box: U+3FFFD is no character, so no font will ever have it; U+20BB7 and U+2A6A5 only some fonts have."""
    assert probe("演示\U0003fffd煤业") == "演示〔U+3FFFD〕煤业"
    assert probe("\U0003fffd\U0003fffc") == "〔U+3FFFD〕〔U+3FFFC〕"
    for rare in "𠮷\U0002a6a5":
        assert probe(f"{rare}龘") in (f"{rare}龘", f"〔U+{ord(rare):04X}〕龘")
    if fonts == "packaged":
        assert probe("𠮷龘") == "〔U+20BB7〕龘"


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\x07", "\ue000", "\ud800", "\ufeff"])
def test_what_cannot_be_seen_is_shown(char: str):
    """A sign that turns the text round, or one that each machine draws in its own way, is no part of a name."""
    assert probe(f"甲{char}乙") == f"甲〔U+{ord(char):04X}〕乙"


def test_blanks_and_lines():
    assert probe("甲\t乙\r\n丙") == "甲 乙\n丙"


def test_what_stands_by_its_code_is_listed():
    shown = pdf._shown({"rows": [["甲\ue000", 1, None]], "n": {"m": "\ue001"}}, {"\ue000", "\ue001"})
    assert shown["rows"] == [["甲〔U+E000〕", 1, None]]
    assert shown["n"] == {"m": "〔U+E001〕"}
    assert shown["by_code"] == ["〔U+E000〕", "〔U+E001〕"]


def test_the_same_data_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", "2025-03-12")
    first, second = (pdf.render("probe", {"text": "忻州"}, "试") for _ in range(2))
    assert first == second
    metadata = pypdf.PdfReader(io.BytesIO(first)).metadata
    assert metadata is not None
    assert (metadata.title, str(metadata.creation_date)) == ("试", "2025-03-11 16:00:00+00:00")


def test_it_is_an_archive_file_with_its_structure():
    reader = pypdf.PdfReader(io.BytesIO(pdf.render("probe", {"text": "忻州"}, "试")))
    assert reader.xmp_metadata is not None
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert "/StructTreeRoot" in root


def test_a_wrong_template_is_our_fault():
    with pytest.raises(typst.TypstError):
        pdf.render("receipt", {"text": "没有它要的数"}, "试")


def test_templates_ask_for_nothing_from_outside():
    """A package of the compiler's registry would be fetched at the first use."""
    for file in sorted(pdf.TEMPLATES.glob("*.typ")):
        text = file.read_text(encoding="utf-8")
        assert '"@' not in text, file
        assert "eval(" not in text, file
    assert {file.name for file in pdf.TEMPLATES.iterdir()} >= {"common.typ", "receipt.typ", "sheet.typ"}
