"""The SQL files as a shelf: each says what it gives, is one statement, fits a screen or two, takes parameters
only by name, knows no county, code or commodity of its own, and runs on nothing at all."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle.drawn import declared_with, drawn
from oracle.published import snapshot_of

from etl.warehouse import build as building
from etl.warehouse.indicators import INDICATORS, SHARES
from etl.warehouse.snapshot import Snapshot

SQL = Path(building.__file__).parent / "sql"
FILES = sorted(SQL.rglob("*.sql"))
READ = sorted((SQL / "read").glob("*.sql"))
LONGEST = 90

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SQL)))
each_read = pytest.mark.parametrize("file", READ, ids=lambda file: file.stem)


def body_of(file: Path) -> str:
    """The statement without its comments."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.split("--")[0] for line in lines)


def header_of(file: Path) -> list[str]:
    header = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("-- "):
            break
        header.append(line.removeprefix("-- "))
    return header


def test_there_are_files():
    assert {file.parent.name for file in FILES} == {"sql", "read", "flow", "check", "load"}
    assert len(READ) > 20


@each_file
def test_a_file_says_what_it_gives(file: Path):
    """The question first; then the grain, but for goods (the cube's) and checks (one number)."""
    header = header_of(file)
    assert header
    assert len(header[0]) >= 8
    if file.parent.name == "flow":
        assert header[0].endswith(".")
        assert "Clause （" in "".join(header) or "No target" in "".join(header)
    elif file.parent.name == "check":
        # The first line is what a failing build says: Chinese, and no sentence yet.
        assert re.fullmatch(r"[\u4e00-\u9fff]+", header[0])
    else:
        grains = [line for line in header if line.startswith("grain: ")]
        assert len(grains) == 1
        assert len(grains[0]) > len("grain: ") + 4


@each_file
def test_a_file_is_one_statement_and_not_too_long(file: Path):
    text = file.read_text(encoding="utf-8")
    assert ";" not in body_of(file)
    assert len(text.splitlines()) <= LONGEST
    if file.parent.name != "flow":
        assert len(duckdb.connect().extract_statements(text)) == 1


@each_file
def test_a_file_takes_parameters_only_by_name(file: Path):
    """No ? or $1, nothing that a program would fill in by pasting text."""
    body = re.sub(r"'[^']*'", "''", body_of(file))
    assert "?" not in body
    assert not re.search(r"\$\d|%s|[{}]|:\w", body.replace("::", ""))
    if file.parent.name not in ("read", "load"):
        assert "$" not in body


@each_file
def test_a_file_knows_no_data(file: Path):
    """Counties, identifiers and goods are declared in data/; 其他 is also the corridor of what has none."""
    declared = declared_with()
    text = body_of(file)
    words = set(re.findall(r"'([^']*)'", text))
    assert not words & (set(declared.county_names) | set(declared.county_names.values()))
    assert not words & (set(declared.commodity_names) - {"其他", "其它"})
    assert not words & ({corridor.name for corridor in declared.corridors} - {"其他"})
    assert not words & set(declared.station_names)
    assert not re.search(r"\b1409\d\d\b", text)
    assert not re.search(r"\b[0-9A-HJ-NPQRTUWXY]{18}\b", text)


# ------------------------------------------------------------------------------------------- what runs


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A city in which nothing is registered, returned or published."""
    return snapshot_of(drawn(), Path(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Two units, one of which lacks a return; a series of the city and of a corridor."""
    world = drawn(
        registry="unit_code|due_from\nA|2024-12\nB|2025-01",
        spurs="user_code\nA",
        rows="""
        unit_code | month   | mode | corridor | tonnes
        A         | 2024-12 | 铁路 | 朔黄     | 5
        A         | 2025-01 | 铁路 | 朔黄     | 90
        A         | 2025-01 | 公路 | 同蒲     | 10
        """,
        official="""
        month   | value | object_type | object | status   | published_on
        2025-01 | 1800  | 全市        | 全市   | 月报确报 | 2025-02-10
        2025-01 | 490   | 通道        | 朔黄   | 快报     | 2025-02-05
        2025-01 | 500   | 通道        | 朔黄   | 月报确报 | 2025-02-10
        """,
        targets="year|indicator|object_type|object|value\n2025|K1|通道|朔黄|6800",
        as_of="2025-03-10",
    )
    return snapshot_of(world, Path(tmp_path_factory.mktemp("small")))


PARAMETERS: dict[str, Any] = {
    "area": "全市", "by": "city", "caliber": "发送", "commodity": None, "corridor": None, "county": None,
    "direction": None, "everything": False, "first": date(2025, 1, 1), "grain": "place", "indicator": "K3",
    "indicators": list(SHARES), "is_split": False, "known_on": date(2026, 1, 1),
    "last": date(2025, 2, 1), "month": date(2025, 1, 1),
    "months": 2, "object": "朔黄", "object_type": "通道", "once": True, "scope_counties": None,
    "scope_units": None, "state_month": date(2025, 2, 1), "unit": None, "year": 2025,
}  # fmt: skip
# Other values that a page asks for: each is a path through the statement of its own.
OTHERS: dict[str, tuple[Any, ...]] = {
    "by": ("county", "corridor", "enterprise", "commodity", "direction", "month"),
    "grain": ("unit", "flow", "once"),
    "is_split": (True,),
    "once": (False,),
    "everything": (True,),
    "county": ("140925",),
    "corridor": ("朔黄",),
    "commodity": ("煤炭",),
    "direction": ("发运",),
    "unit": ("A",),
    "scope_counties": (["140925"], []),
    "scope_units": (["A"], []),
    "indicator": tuple(id_ for id_ in INDICATORS if id_ != "K1"),
}


def parameters_of(file: Path) -> dict[str, Any]:
    """A value for each parameter. Errors: KeyError for one that these tests do not know."""
    found = {name: PARAMETERS[name] for name in re.findall(r"\$(\w+)", body_of(file))}
    # A sheet is of one unit.
    found |= {"unit": "A"} if file.stem == "sheet" else {}
    # A target is allocated for K1 only; an official series is of one commodity, the total among them.
    if file.stem == "allocated":
        return found | {"indicator": "K1"}
    return found | (
        {"commodity": "合计"} if file.stem.startswith("official_") and "commodity" in found else {}
    )


@each_read
def test_a_question_can_be_asked_of_an_empty_city(empty: Snapshot, file: Path):
    """No row, or one that says nothing: never a row of noughts that were counted."""
    rows = empty.rows(file.stem, **parameters_of(file))
    declared = {"meta", "counties", "corridors", "modes", "coal_areas"}
    if file.stem not in declared:
        assert len(rows) <= 1
        assert all(
            value in (None, 0, "") or isinstance(value, date) for row in rows for value in row.values()
        )


@each_read
def test_a_question_can_be_asked_in_each_way_that_a_page_asks_it(small: Snapshot, file: Path):
    parameters = parameters_of(file)
    wanted = small.rows(file.stem, **parameters)
    columns = [list(row) for row in wanted]
    assert all(names == columns[0] for names in columns)
    for name, values in OTHERS.items():
        for value in values if name in parameters else ():
            small.rows(file.stem, **(parameters | {name: value}))


def test_every_question_is_asked_somewhere():
    """A file that no module names is dead."""
    root = Path(building.__file__).parents[1]
    code = "".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))
    assert not [file.stem for file in READ if f'"{file.stem}"' not in code]


def test_what_is_answered_about_the_small_city(small: Snapshot):
    """The questions above are not asked of nothing."""
    answered = {file.stem for file in READ if small.rows(file.stem, **parameters_of(file))}
    # No event was entered, no row was left out, no unit reported both years, no company has two units, no official
    # value is marked as public.
    silent = {"events", "excluded", "largest_company", "matched", "public_official", "unit_spurs"}
    assert {file.stem for file in READ} - answered <= silent
