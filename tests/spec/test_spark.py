"""The statements from facts to cube keep to what Apache Spark also knows: the heavy step can move there."""

from __future__ import annotations

import re

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from etl.warehouse.build import sql_statements

PORTABLE = (
    "fact_movement", "out_population", "cube", "indicator_flow", "flow", "grain_unit", "grain_place", "measure",
)  # fmt: skip
STATEMENTS = dict(sql_statements())
each = pytest.mark.parametrize("name", PORTABLE)


LACKING = (
    exp.Unnest, exp.Explode, exp.Lambda, exp.RegexpLike, exp.RegexpReplace, exp.RegexpExtract, exp.Array,
    exp.ArrayAgg, exp.Struct, exp.List, exp.Qualify, exp.Lateral, exp.Pivot,
    # A function that sqlglot does not know it cannot translate either.
    exp.Anonymous,
)  # fmt: skip
WORDS = re.compile(r"\basof\b|\blist_|\bregexp|\bexclude\b|\breplace\b|\busing\b|::|//|\bgroup by all\b")


def without_comments(statement: str) -> str:
    return re.sub(r"--.*", "", statement)


def to_spark(statement: str) -> str:
    (translated,) = sqlglot.transpile(
        without_comments(statement),
        read="duckdb",
        write="spark",
        unsupported_level=ErrorLevel.RAISE,
        error_level=ErrorLevel.RAISE,
    )
    return translated


def lacking_in_spark(statement: str) -> list[str]:
    """What the statement uses that Spark has not, or has otherwise."""
    parsed = sqlglot.parse_one(statement, read="duckdb")
    used = [kind.__name__ for kind in LACKING if parsed.find(kind)]
    return used + WORDS.findall(without_comments(statement).lower())


@each
def test_a_statement_is_spark_too(name: str):
    """It translates without loss, and Spark's reader understands it as the same thing."""
    translated = to_spark(STATEMENTS[name])
    again = sqlglot.parse_one(translated, read="spark", error_level=ErrorLevel.RAISE)
    assert isinstance(again, exp.Create)
    assert again.sql("spark") == translated
    original = sqlglot.parse_one(STATEMENTS[name], read="duckdb")
    assert columns(again) == columns(original)
    assert tables(again) == tables(original)


def columns(statement: exp.Expr) -> list[str]:
    query = statement.find(exp.Query)
    assert query is not None
    return query.named_selects


def tables(statement: exp.Expr) -> set[str]:
    return {table.name for table in statement.find_all(exp.Table)}


@each
def test_a_statement_has_none_of_what_spark_lacks(name: str):
    """No ASOF, no list or struct, no regular expression, no unnest, no qualify."""
    assert lacking_in_spark(STATEMENTS[name]) == []


def test_the_tables_between_facts_and_cube_are_these():
    """A statement that is put between them is looked at here too."""
    names = list(STATEMENTS)
    heavy = names[names.index("fact_movement") : names.index("measure") + 1]
    assert sorted(heavy) == sorted(PORTABLE)


@pytest.mark.parametrize(
    ("query", "lacking"),
    [
        ("select list(distinct a) as b from u", "ArrayAgg"),
        ("select unnest(a) as b from u", "Explode"),
        ("select a from u where regexp_matches(a, 'x')", "RegexpLike"),
        ("select a from u asof join v on u.a >= v.a", "asof"),
        ("select list_sort(a) as b from u", "list_"),
        ("select a // 2 as b from u", "//"),
        ("select a, row_number() over (order by a) as r from u qualify r = 1", "Qualify"),
    ],
)
def test_this_test_would_notice(query: str, lacking: str):
    assert lacking in lacking_in_spark(f"create table t as {query}")
