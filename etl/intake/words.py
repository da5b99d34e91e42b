"""How a cell is read: text → our value, and in what way it differs from what was written.

A file of a million rows has few different words, so each is read once, here, in plain Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from etl import uscc
from etl.intake.fields import UNITS
from etl.reference import Declared

# Readings: as written, or in which way otherwise.
PLAIN, BLANK, TOTAL, ERROR, CONTROL = "", "blank", "total", "error", "control"
WIDTH, FORM, ALIAS, SEPARATOR = "width", "form", "alias", "separator"
UNKNOWN, AMBIGUOUS, NEGATIVE, DECIMALS = "unknown", "ambiguous", "negative", "decimals"
EXCEL, CHECK = "excel", "check"
UNIT, TEN_THOUSAND = "unit", "ten_thousand"


class Word(NamedTuple):
    """`value` is None where the cell says nothing readable. `extra`: what a place stands for."""

    value: str | None
    reading: str = PLAIN
    extra: str | None = None


Reader = Callable[[str], Word]

_ERROR = re.compile(r"#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|ERROR!|公式未计算)")
# 煤炭小计, 3月合计(吨): such words end a name of their own; 其中:煤炭 repeats a part of what stands above.
_TOTAL = re.compile(r"(.{0,12}(合计|小计|总计|共计|累计)|其中:?.{0,12})(\((万?吨|元)\))?:?")
WRITTEN_MONTH = re.compile(r"(?:19|20)\d{2}\s*年\s*\d{1,2}\s*月|(?<!\d)20\d{2}[-./]\d{1,2}(?![-./\d])")
_MONTH = re.compile(r"(\d{4})(?:-|/|年|\.)(\d{1,2})(?:月份?)?")
_DAY = re.compile(r"(\d{4})(?:-|/|年|\.)(\d{1,2})(?:-|/|月|\.)(\d{1,2})日?(?: \d{1,2}:\d{2}(?::\d{2})?)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})?")
# A day as the number that Excel keeps it as, where its cell lost the date form: 1990 to 2099.
_SERIAL = re.compile(r"[3-7]\d{4}")
_FIRST_SERIAL = date(1899, 12, 30)
_EXCEL_CODE = re.compile(r"\d(\.\d+)?[Ee]\+\d+|\d{15}000")
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?")
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
_SPACED = re.compile(r"-?\d{1,3}( \d{3})+(\.\d+)?")


# Full-width forms and the full-width blank, nothing else: NFKC would also read ² as 2.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2212: 0x2D}


# 'text and ="text": how a program keeps Excel from making a number of a code.
_QUOTED = re.compile(r"=\"([^\"]*)\"|['‘’](?=.)(.*)", re.DOTALL)


def unquoted(text: str) -> str:
    """Text without the marks that only say that it is text."""
    match = _QUOTED.fullmatch(text.strip())
    return (match[1] or match[2] or "") if match else text


def half_width(text: str) -> str:
    """Text with full-width letters, digits and signs as half width, without blanks around it."""
    return unquoted(text).translate(_HALF_WIDTH).strip()


def fold(text: str) -> str:
    """Text as names are compared: half width, without any blank."""
    return "".join(unicodedata.normalize("NFKC", unquoted(text)).split())


def is_total(text: str) -> bool:
    """A word such as 合计 or 小 计: in place of data."""
    return _TOTAL.fullmatch(fold(text)) is not None


def odd(text: str) -> Word | None:
    """What no column can hold: nothing, an error cell, a control character. None = none of these."""
    if not text or text.isspace():
        return Word(None, BLANK)
    if _ERROR.fullmatch(text.strip()):
        return Word(None, ERROR)
    if any(unicodedata.category(letter) == "Cc" and letter not in "\t\r\n" for letter in text):
        return Word(None, CONTROL)
    return None


def read_free(text: str) -> Word:
    """Words of the clerk's own: kept, without blanks around them."""
    return odd(text) or (Word(None, TOTAL) if is_total(text) else Word(text.strip()))


def read_note(text: str) -> Word:
    """备注: kept; `extra` = zero for 零申报."""
    if word := odd(text):
        return word
    return Word(text.strip(), PLAIN, "zero" if "零申报" in fold(text) else None)


def read_month(text: str, form: str | None = None) -> Word:
    """A month as YYYY-MM. 2023.1 is ambiguous: a sheet that drops zeros writes October so, too.

    `form` is the order that a mapping declares, of YYYY, MM and DD: MM/YYYY, YYYYMM, DD.MM.YYYY.
    """
    if word := odd(text):
        return word
    if is_total(text):
        return Word(None, TOTAL)
    if form:
        return _declared_month(text.strip(), form)
    tidy = half_width(text)
    match = (
        _MONTH.fullmatch(fold(tidy)) or _DAY.fullmatch(tidy) or _DAY.fullmatch(fold(tidy))
        or _COMPACT.fullmatch(tidy)
    )  # fmt: skip
    if not match:
        return _serial_month(tidy)
    year, month = match[1], match[2]
    if re.fullmatch(r"\d{4}\.1", tidy):
        return Word(None, AMBIGUOUS)
    if not _is_day(year, month, match[3] if match.re is not _MONTH else None):
        return Word(None, UNKNOWN)
    value = f"{year}-{int(month):02d}"
    return Word(value, PLAIN if value == text else WIDTH if value == tidy else FORM)


def _serial_month(tidy: str) -> Word:
    if not _SERIAL.fullmatch(tidy):
        return Word(None, UNKNOWN)
    day = _FIRST_SERIAL + timedelta(days=int(tidy))
    return Word(f"{day:%Y-%m}", FORM) if 1990 <= day.year < 2100 else Word(None, UNKNOWN)


def _declared_month(text: str, form: str) -> Word:
    pattern = re.escape(form)
    for mark, group in (("YYYY", r"(?P<y>\d{4})"), ("MM", r"(?P<m>\d{1,2})"), ("DD", r"(?P<d>\d{1,2})")):
        pattern = pattern.replace(mark, group)
    match = re.fullmatch(pattern, text)
    if not match or not _is_day(match["y"], match["m"], match.groupdict().get("d")):
        return Word(None, UNKNOWN)
    return Word(f"{match['y']}-{int(match['m']):02d}")


def _is_day(year: str, month: str, day: str | None) -> bool:
    try:
        date(int(year), int(month), int(day or 1))
    except ValueError:
        return False
    return 1990 <= int(year) <= 2100


def read_uscc(text: str) -> Word:
    """A 统一社会信用代码 with its check character; one that Excel made a number is told apart."""
    if word := odd(text):
        return word
    if is_total(text):
        return Word(None, TOTAL)
    code = fold(text).upper()
    if uscc.is_valid(code):
        return Word(code, PLAIN if code == text else WIDTH)
    return Word(None, EXCEL if _EXCEL_CODE.fullmatch(code) else CHECK)


def read_key(text: str) -> Word:
    """Any other key of the registry: kept as written, without blanks around it."""
    if word := odd(text):
        return word
    if is_total(text):
        return Word(None, TOTAL)
    tidy = half_width(text)
    return Word(tidy, PLAIN if tidy == text.strip() else WIDTH)


def number_reader(integer_digits: int, decimals: int, units: tuple[str, ...] = ()) -> Reader:
    """Reads a number of at most so many digits as plain decimal text; tested as text, never cast.

    Thousands separators, full width, blanks and one of `units` behind it are read and said; 1e3 and 1_000
    are no numbers; 万 behind a number is never read. More decimals than the column holds are not rounded
    away but refused (zeros at the end are not).
    """
    unit = re.compile(rf"\s*(?:{'|'.join(map(re.escape, units))})", re.IGNORECASE) if units else None

    def read(text: str) -> Word:
        if word := odd(text):
            return word
        tidy = half_width(text)
        reading = PLAIN if tidy == text else WIDTH
        if _IN_TEN_THOUSAND.fullmatch(tidy):
            return Word(None, TEN_THOUSAND)
        if unit is not None and (end := _behind(tidy, unit)) is not None:
            tidy, reading = tidy[:end], UNIT
        if _GROUPED.fullmatch(tidy) or _SPACED.fullmatch(tidy):
            tidy = tidy.replace(",", "").replace(" ", "")
            reading = reading if reading == UNIT else SEPARATOR
        match = _NUMBER.fullmatch(tidy)
        # \d also knows the digits of other scripts, which Decimal would take.
        if not match or not tidy.isascii():
            return Word(None, UNKNOWN)
        fraction = (match[3] or "").rstrip("0")
        whole = match[2].lstrip("0") or "0"
        if len(whole) > integer_digits:
            return Word(None, UNKNOWN)
        if len(fraction) > decimals:
            return Word(None, DECIMALS)
        value = whole + (f".{fraction}" if fraction else "")
        if match[1] and Decimal(value) != 0:
            return Word(None, NEGATIVE)
        return Word(value, reading)

    return read


_IN_TEN_THOUSAND = re.compile(r"[\d.,\s]+万\s*(吨|公里)?")


def _behind(text: str, unit: re.Pattern[str]) -> int | None:
    """Where a number ends that a unit stands behind; None = none does."""
    end = next(
        (at for at, letter in enumerate(text) if at and not (letter.isdigit() or letter in ",. ")), None
    )
    if end is None:
        return None
    end = len(text[:end].rstrip())
    return end if end and unit.fullmatch(text, end) else None


def list_reader(names: Mapping[str, str], totals: bool = False) -> Reader:
    """Reads a name or alias of a list (alias → name) as the name. `totals`: 合计 may stand here."""
    folded = {fold(word): name for word, name in names.items()}

    def read(text: str) -> Word:
        if word := odd(text):
            return word
        if (name := names.get(text)) is not None:
            return Word(name, PLAIN if name == text else ALIAS)
        if (name := folded.get(fold(text))) is not None:
            return Word(name, WIDTH if fold(name) == fold(text) else ALIAS)
        return Word(None, TOTAL if totals and is_total(text) else UNKNOWN)

    return read


def place_reader(stations: Mapping[str, str], corridors: Mapping[str, str]) -> Reader:
    """Reads a place: a station under any name as its name (`extra` = its corridor), else as written."""

    def read(text: str) -> Word:
        if word := odd(text):
            return word
        if is_total(text):
            return Word(None, TOTAL)
        if (name := stations.get(text) or stations.get(fold(text))) is not None:
            return Word(name, PLAIN if name == text else ALIAS, corridors[name])
        return Word(text.strip())

    return read


def transfer_reader(stations: Mapping[str, str], parks: Mapping[str, str]) -> Reader:
    """Reads a 换装站: a station or a registered park; `extra` says which, None = neither."""

    def read(text: str) -> Word:
        if word := odd(text):
            return word
        if (name := stations.get(text) or stations.get(fold(text))) is not None:
            return Word(name, PLAIN if name == text else ALIAS, "station")
        if (name := parks.get(fold(text))) is not None:
            return Word(name, PLAIN, "park")
        return Word(text.strip())

    return read


DIRECTIONS = {
    "发运": "发运", "发出": "发运", "发送": "发运", "外运": "发运", "运出": "发运",
    "到达": "到达", "运入": "到达", "调入": "到达", "接卸": "到达",
}  # fmt: skip
FLAGS = {"是": "是", "否": "否", "短驳": "是", "非短驳": "否"}
LOADINGS = {
    "散装": "散装", "散货": "散装", "敞顶箱": "敞顶箱", "35吨敞顶箱": "敞顶箱", "集装箱": "集装箱",
}  # fmt: skip
WEIGHING = {"铁路运单": "铁路运单", "运单": "铁路运单", "磅单": "磅单", "过磅单": "磅单", "推算": "推算"}

# (whole digits, decimals, SQL type) of the number columns.
NUMBERS = {
    "distance_km": (9, 9, "DECIMAL(18,9)"),
    "tonnes": (15, 3, "DECIMAL(18,3)"),
    "boxes": (9, 0, "INTEGER"),
    "vehicles": (9, 0, "INTEGER"),
}


def readers(declared: Declared, parks: Mapping[str, str], date_form: str | None) -> dict[str, Reader]:
    """The reader of each column of a return."""
    corridors = {station.name: station.corridor for station in declared.stations}
    place = place_reader(declared.station_names, corridors)
    return {
        "month": lambda text: read_month(text, date_form),
        "uscc": read_uscc if declared.plan.unit_key == "uscc" else read_key,
        "unit_code": read_key,
        "enterprise_name": read_free,
        "commodity": list_reader(declared.commodity_names, totals=True),
        "direction": list_reader(DIRECTIONS, totals=True),
        "mode": list_reader(declared.mode_names, totals=True),
        "origin": place,
        "destination": place,
        "counterparty": read_free,
        "corridor": list_reader(declared.corridor_names, totals=True),
        "drayage": list_reader(FLAGS),
        "transfer_station": transfer_reader(declared.station_names, parks),
        "loading": list_reader(LOADINGS),
        "weighing_basis": list_reader(WEIGHING),
        "note": read_note,
        **{name: number_reader(whole, places, UNITS[name]) for name, (whole, places, _) in NUMBERS.items()},
    }
