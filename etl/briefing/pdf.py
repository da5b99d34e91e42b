"""A template and its data as PDF, offline, with every font inside and no character missing.

Each document is PDF/A-2a and PDF/UA-1: fit for an archive and for a screen reader. These standards also
forbid a character without a glyph, so that a name that no font of this machine can write stops the
compiler; the character then stands as its code, 〔U+2A6A5〕, and the document says so.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn
import typst

from etl import periods

STANDARDS: list[Any] = ["a-2a", "ua-1"]
SERIF = ("Noto Serif CJK SC", "Source Han Serif SC", "Source Han Serif CN", "Noto Serif SC")
SANS = ("Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans SC")
TEMPLATES = Path(str(resources.files("etl.briefing") / "templates"))
_PACKAGED = Path(pylopdf_fonts_zh_cn.__file__).parent
# Not to be seen, or seen otherwise on each machine: control and format characters, private use.
_UNSEEN = ("Cc", "Cf", "Co", "Cs")
# A text is laid out anew: its tabs are blanks, its lines end one way.
_BLANKS = {ord("\t"): " ", ord("\r"): ""}
log = logging.getLogger("railshift")


def render(template: str, data: dict[str, Any], title: str) -> bytes:
    """The PDF of templates/<template>.typ with `data` (anything that JSON can say; texts are plain texts).

    The same data give the same bytes all day. Errors: typst.TypstError for a template that is wrong.
    """
    data = _translated({**data, "title": title}, _BLANKS)
    by_code = {char for char in _characters(data) if _is_unseen(char)}
    try:
        return _compile(template, _shown(data, by_code))
    except typst.TypstError:
        # The compiler's words change; which characters it cannot write, it is asked.
        unwritable = _unwritable("".join(sorted(_characters(data) - by_code - {"\n"})))
        if not unwritable:
            raise
        return _compile(template, _shown(data, by_code | unwritable))


def _compile(template: str, data: dict[str, Any]) -> bytes:
    fonts = _fonts()
    known = set(fonts.families())
    chains = {
        "serif": [name for name in SERIF if name in known],
        "sans": [name for name in SANS if name in known],
    }
    day = datetime.combine(periods.today(), time(), periods.SHANGHAI).astimezone(UTC)
    pdf, warnings = typst.Compiler(
        TEMPLATES / f"{template}.typ",
        root=TEMPLATES,
        font_paths=fonts,
        sys_inputs={"data": json.dumps(data), "fonts": json.dumps(chains)},
    ).compile_with_warnings(format="pdf", pdf_standards=STANDARDS, timestamp=int(day.timestamp()))
    for warning in warnings:
        log.warning("pdf: %s", warning.message)
    if not isinstance(pdf, bytes):
        raise TypeError(f"one document expected, not {type(pdf)}")
    return pdf


@lru_cache
def _fonts() -> typst.Fonts:
    """The system's fonts, and the packaged ones for a machine that has no Chinese font."""
    return typst.Fonts(font_paths=[_PACKAGED])


def _is_unseen(char: str) -> bool:
    return char != "\n" and unicodedata.category(char) in _UNSEEN


def _unwritable(characters: str) -> set[str]:
    """Those that no font has a glyph for: half by half, as long as a half does not compile."""
    try:
        _compile("probe", {"title": "-", "text": characters})
    except typst.TypstError:
        if len(characters) == 1:
            return {characters}
        half = len(characters) // 2
        return _unwritable(characters[:half]) | _unwritable(characters[half:])
    return set()


def _shown(data: dict[str, Any], by_code: set[str]) -> dict[str, Any]:
    """The data with these characters as codes; `by_code` lists them for the note."""
    codes = {ord(char): f"〔U+{ord(char):04X}〕" for char in sorted(by_code)}
    return {**_translated(data, codes), "by_code": list(codes.values())}


def _translated(value: Any, codes: dict[int, str]) -> Any:
    if isinstance(value, str):
        return value.translate(codes)
    if isinstance(value, dict):
        return {key: _translated(one, codes) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_translated(one, codes) for one in value]
    return value


def _characters(value: Any) -> set[str]:
    return set("".join(_texts(value)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in _texts(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in _texts(one))
