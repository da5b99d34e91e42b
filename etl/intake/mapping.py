"""A foreign layout as it is → our columns. The layout is declared in TOML, keys are our headers (in quotes, for TOML
knows bare keys only in ASCII):

    header = true                 # false: columns are named by position, from 1
    encoding = "iso-8859-1"       # empty = found by content
    delimiter = ";"
    thousands = "."               # the mark that groups digits
    decimal = ","
    date_form = "MM/YYYY"         # of YYYY, MM, DD
    [columns]                     # our header = their column, by name or position
    "月份" = "Mes_Ano"
    [constants]                   # our header = one word for all rows
    "方向" = "发运"
    [factor]                      # a number column counts in another unit
    "运量吨" = "1000"
    [derive."运距公里"]           # numerator ÷ denominator × factor, exact, cut after 9 places
    numerator = "TKU"
    denominator = "TU"
    [where]                       # rows to take: their column = its words
    Mercadoria = ["Coque"]
    [values."运输方式"]           # their words → ours; "*" for every other word
    rail = "铁路"

Two ways to the same result: SQL over staged text for returns, plain Python for small tables.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import tomllib
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Context, Decimal
from pathlib import Path

from etl.intake.finding import Refusal
from etl.intake.receive import TextTable
from etl.intake.rules import refusal
from etl.intake.words import UNKNOWN, read_month

Column = str | int
ANY_WORD = "*"
# What a number that does not follow the declared marks becomes: no number, whatever it looks like.
UNREADABLE = "?"
QUOTIENT_PLACES = 9
_EXACT = Context(prec=60)
# Full-width signs of numbers and the half-width ones that they are read as.
_WIDE, _HALF = "０１２３４５６７８９．，－−\u3000", "0123456789.,-- "
_NUMBER_HEADERS = frozenset(
    {"运量吨", "运距公里", "箱数", "车数", "数值万吨", "能力万吨年", "核定年货运量吨", "目标值"}
)
_DATE_HEADERS = frozenset({"月份"})


@dataclass(frozen=True)
class Derived:
    """numerator ÷ denominator × factor."""

    numerator: Column
    denominator: Column
    factor: Decimal = Decimal(1)


@dataclass(frozen=True)
class Mapping:
    """A declared layout; `text` is the TOML as it was given and is kept with the file."""

    text: str
    has_header: bool = True
    encoding: str | None = None
    delimiter: str | None = None
    thousands: str = ""
    decimal: str = "."
    date_form: str | None = None
    columns: Dictionary[str, Column] = field(default_factory=dict)
    constants: Dictionary[str, str] = field(default_factory=dict)
    factors: Dictionary[str, Decimal] = field(default_factory=dict)
    derived: Dictionary[str, Derived] = field(default_factory=dict)
    where: Dictionary[Column, tuple[str, ...]] = field(default_factory=dict)
    values: Dictionary[str, Dictionary[str, str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The sha256 of the mapping's text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def headers(self) -> tuple[str, ...]:
        """Our headers that the mapping fills."""
        return tuple(dict.fromkeys((*self.columns, *self.constants, *self.derived)))

    def columns_by_name(self) -> tuple[str, ...]:
        """Their columns that the mapping names."""
        used: list[Column] = [*self.columns.values(), *self.where]
        for entry in self.derived.values():
            used += [entry.numerator, entry.denominator]
        return tuple(dict.fromkeys(name for name in used if isinstance(name, str)))

    def position(self, column: Column, header: Sequence[str]) -> int:
        """The index of their column. Errors: Refusal when the file does not have it."""
        if isinstance(column, int):
            if 1 <= column <= len(header):
                return column - 1
            raise refusal("S120", column=f"第{column}列", value=f"第{column}列")
        if column not in header:
            raise refusal("S120", column=column, value=column)
        return header.index(column)


_TABLES = {"columns", "constants", "factor", "derive", "where", "values"}
_SETTINGS = {"header", "encoding", "delimiter", "thousands", "decimal", "date_form"}


def load_mapping(path: Path) -> Mapping:
    """The mapping of a TOML file. Errors: Refusal for an unknown key, encoding or number."""
    try:
        return read_mapping(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise refusal("S121", value="文件不是 UTF-8 编码") from error


def read_mapping(text: str) -> Mapping:
    """The mapping that a TOML text declares. Errors: as `load_mapping`."""
    try:
        toml = tomllib.loads(text)
        return _mapping_of(text, toml)
    except (
        tomllib.TOMLDecodeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ArithmeticError,
    ) as error:
        raise refusal("S121", value=str(error)) from error


def _mapping_of(text: str, toml: dict) -> Mapping:
    if unknown := sorted(set(toml) - _TABLES - _SETTINGS):
        raise ValueError(f"有未知的设置 {'、'.join(unknown)}")
    encoding = toml.get("encoding") or None
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise ValueError(f"不认识编码 {encoding}") from error
    delimiter = toml.get("delimiter") or None
    if delimiter and len(delimiter) != 1:
        raise ValueError(f"分隔符应是一个字符：{delimiter}")
    has_header = toml.get("header", True)
    derived = {
        name: Derived(
            _column(entry["numerator"]), _column(entry["denominator"]), Decimal(str(entry.get("factor", "1")))
        )
        for name, entry in toml.get("derive", {}).items()
    }
    factors = {name: Decimal(str(number)) for name, number in toml.get("factor", {}).items()}
    for factor in (*factors.values(), *(entry.factor for entry in derived.values())):
        # What the SQL of a factor holds exactly.
        if not 0 < factor < 10**6 or factor != factor.quantize(Decimal("0.0001")):
            raise ValueError(f"换算系数应大于零、小于一百万，至多四位小数：{factor}")
    where = {
        (int(column) if not has_header else column): tuple(str(word) for word in words)
        for column, words in toml.get("where", {}).items()
    }
    return Mapping(
        text=text,
        has_header=has_header,
        encoding=encoding,
        delimiter=delimiter,
        thousands=toml.get("thousands", ""),
        decimal=toml.get("decimal", "."),
        date_form=toml.get("date_form") or None,
        columns={name: _column(column) for name, column in toml.get("columns", {}).items()},
        constants={name: str(word) for name, word in toml.get("constants", {}).items()},
        factors=factors,
        derived=derived,
        where=where,
        values={name: dict(words) for name, words in toml.get("values", {}).items()},
    )


def _column(column: object) -> Column:
    if isinstance(column, bool) or not isinstance(column, (str, int)):
        raise ValueError(f"列应写名称或序号：{column}")
    return column


# ------------------------------------------------------------------------------------- small tables


def apply(table: TextTable, mapping: Mapping) -> TextTable:
    """The table under our headers, with only the rows to take. Months become YYYY-MM.

    A word that `values` does not name stays as it is (or becomes that of "*").
    Errors: Refusal when the file lacks a column that the mapping names.
    """
    wanted = mapping.headers()
    taken = [(mapping.position(column, table.header), set(words)) for column, words in mapping.where.items()]
    makers = [_maker(name, mapping, table.header) for name in wanted]
    rows, numbers = [], []
    for number, row in zip(table.row_numbers, table.rows, strict=True):
        if all((row[index] or "").strip() in words for index, words in taken):
            rows.append(tuple(make(row) for make in makers))
            numbers.append(number)
    return replace(table, header=wanted, rows=rows, row_numbers=numbers)


def _maker(name: str, mapping: Mapping, header: Sequence[str]):
    if name in mapping.derived:
        entry = mapping.derived[name]
        upper, lower = mapping.position(entry.numerator, header), mapping.position(entry.denominator, header)
        return lambda row: _quotient(_number(row[upper], mapping), _number(row[lower], mapping), entry.factor)
    if name not in mapping.columns:
        return lambda row: mapping.constants[name]
    index = mapping.position(mapping.columns[name], header)

    def make(row: Sequence[str | None]) -> str | None:
        cell = row[index]
        if cell is None or cell.isspace():
            return mapping.constants.get(name)
        text = translate(name, cell, mapping)
        if name in _NUMBER_HEADERS and (
            mapping.thousands or mapping.decimal != "." or name in mapping.factors
        ):
            number = _number(text, mapping)
            if number is not None and number.startswith(UNREADABLE):
                return number
            return _times(number, mapping.factors.get(name, Decimal(1)))
        if name in _DATE_HEADERS and mapping.date_form:
            word = read_month(text, mapping.date_form)
            return UNREADABLE + text if word.reading == UNKNOWN else word.value
        return text

    return make


def translate(name: str, cell: str, mapping: Mapping) -> str:
    """Their word as ours, by `values` of our header `name`; any other word as it is."""
    words = mapping.values.get(name)
    if not words:
        return cell
    return words.get(cell.strip(), words.get(ANY_WORD, cell))


def _has_marks(mapping: Mapping) -> bool:
    """Their numbers have marks of their own; without, they are read as ours are: full width, 1,234.5."""
    return bool(mapping.thousands) or mapping.decimal != "."


def number_pattern(mapping: Mapping) -> str:
    """How their numbers look, as a regular expression that Python and DuckDB both read."""
    if not _has_marks(mapping):
        return r"-?(\d{1,3}(,\d{3})+|\d{1,3}( \d{3})+|\d+)(\.\d+)?"
    group, point = re.escape(mapping.thousands), re.escape(mapping.decimal)
    whole = rf"(\d{{1,3}}({group}\d{{3}})+|\d+)" if group else r"\d+"
    return rf"-?{whole}({point}\d+)?"


def _number(cell: str | None, mapping: Mapping) -> str | None:
    if cell is None or not cell.strip():
        return None
    text = cell.strip()
    if not _has_marks(mapping):
        text = text.translate(str.maketrans(_WIDE, _HALF)).strip()
    if not re.fullmatch(number_pattern(mapping), text, re.ASCII):
        return UNREADABLE + cell.strip()
    if not _has_marks(mapping):
        return text.replace(",", "").replace(" ", "")
    if mapping.thousands:
        text = text.replace(mapping.thousands, "")
    return text.replace(mapping.decimal, ".")


def _times(number: str | None, factor: Decimal) -> str | None:
    return number if number is None or factor == 1 else _tidy(_EXACT.multiply(Decimal(number), factor))


def _quotient(upper: str | None, lower: str | None, factor: Decimal) -> str | None:
    if upper is None or lower is None:
        return None
    if upper.startswith(UNREADABLE) or lower.startswith(UNREADABLE) or Decimal(lower) == 0:
        return f"{UNREADABLE}{upper}÷{lower}"
    exact = _EXACT.divide(_EXACT.multiply(Decimal(upper), factor), Decimal(lower))
    # Cut, not rounded: what lies under a bound stays under it.
    return _tidy(exact.quantize(Decimal(1).scaleb(-QUOTIENT_PLACES), ROUND_DOWN, _EXACT))


def _tidy(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# ------------------------------------------------------------------------------------------- as SQL


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def field_sql(name: str, mapping: Mapping, header: Sequence[str]) -> str | None:
    """SQL over staged text (columns c0, c1, …) for one of our headers; None = not in the mapping.

    `values` and the date form are left to the reading of words. Errors: Refusal for a missing column.
    """
    if name in mapping.derived:
        entry = mapping.derived[name]
        upper = _number_sql(f"c{mapping.position(entry.numerator, header)}", mapping)
        lower = _number_sql(f"c{mapping.position(entry.denominator, header)}", mapping)
        return _quotient_sql(upper, lower, entry.factor)
    if name not in mapping.columns:
        return literal(mapping.constants[name]) if name in mapping.constants else None
    column = f"c{mapping.position(mapping.columns[name], header)}"
    if name in _NUMBER_HEADERS and (mapping.thousands or mapping.decimal != "." or name in mapping.factors):
        text = _number_sql(column, mapping)
        factor = mapping.factors.get(name)
        if factor is None:
            return text
        product = f"(TRY_CAST({text} AS DECIMAL(28,9)) * {factor}::DECIMAL(10,4))::VARCHAR"
        return f"coalesce({_tidy_sql(product)}, {text})"
    if name in mapping.constants:
        return f"coalesce(nullif(trim({column}), ''), {literal(mapping.constants[name])})"
    return column


def where_sql(mapping: Mapping, header: Sequence[str]) -> str:
    """The rows to take, as an SQL condition over staged text."""
    parts = []
    for column, words in mapping.where.items():
        options = ", ".join(literal(word) for word in words)
        parts.append(f"coalesce(trim(c{mapping.position(column, header)}) IN ({options}), false)")
    return " AND ".join(parts) or "true"


def _number_sql(column: str, mapping: Mapping) -> str:
    text = f"trim({column})"
    if not _has_marks(mapping):
        text = f"trim(translate({column}, '{_WIDE}', '{_HALF}'))"
        plain = f"replace(replace({text}, ',', ''), ' ', '')"
    else:
        plain = text
    if mapping.thousands:
        plain = f"replace({plain}, {literal(mapping.thousands)}, '')"
    if mapping.decimal != ".":
        plain = f"replace({plain}, {literal(mapping.decimal)}, '.')"
    pattern = literal(number_pattern(mapping))
    return (
        f"CASE WHEN {text} = '' THEN NULL WHEN regexp_full_match({text}, {pattern}) THEN {plain}"
        f" ELSE '{UNREADABLE}' || {column} END"
    )


def _quotient_sql(upper: str, lower: str, factor: Decimal) -> str:
    # DuckDB divides decimals as binary floats, so whole numbers are divided: thousandths of the two
    # sides, the numerator lifted by nine places, and the point is set back as text.
    top = f"(TRY_CAST({upper} AS DECIMAL(24,3)) * 1000)::HUGEINT * {int(factor * 10**6)}::HUGEINT * 1000"
    bottom = f"(TRY_CAST({lower} AS DECIMAL(24,3)) * 1000)::HUGEINT"
    scale = 10**QUOTIENT_PLACES
    parts = f"(({top}) // nullif({bottom}, 0))"
    text = (
        f"({parts} // {scale})::VARCHAR || '.' || lpad(({parts} % {scale})::VARCHAR, {QUOTIENT_PLACES}, '0')"
    )
    # Either side empty gives NULL, either side unreadable or a division by zero gives no number.
    return f"coalesce({_tidy_sql(text)}, '{UNREADABLE}' || {upper} || '÷' || {lower})"


def _tidy_sql(text: str) -> str:
    return f"rtrim(rtrim({text}, '0'), '.')"


__all__ = ["Derived", "Mapping", "Refusal", "apply", "field_sql", "load_mapping", "read_mapping", "where_sql"]
