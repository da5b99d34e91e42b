"""The registry of indicators: an entry, its goods and its target fit together, and its definition can be printed."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from etl.reference import load_declared
from etl.warehouse import build as building
from etl.warehouse.indicators import INDICATORS, PLAN_INDICATORS, SHARES, definition
from etl.warehouse.pages import Definition

PLAN = load_declared(Path(__file__).parents[2] / "data").plan
FLOW = Path(building.__file__).parent / "sql" / "flow"
CHINESE = re.compile(r"[\u4e00-\u9fff]")

each = pytest.mark.parametrize("id_", list(INDICATORS))


def test_every_indicator_has_its_goods_but_the_official_one():
    """A file that no entry names would be goods of nothing."""
    assert {file.stem for file in FLOW.glob("*.sql")} == set(INDICATORS) - {"K1"}
    assert set(SHARES) == set(INDICATORS) - {"K1", "K4"}


@pytest.mark.parametrize("id_", [id_ for id_ in INDICATORS if id_ != "K1"])
def test_the_goods_carry_the_name_of_their_indicator(id_: str):
    text = (FLOW / f"{id_}.sql").read_text(encoding="utf-8")
    assert re.findall(r"'(\w+)' as indicator", text) == [id_]


def test_every_target_and_reference_has_its_indicator():
    assert set(PLAN.targets) == set(PLAN_INDICATORS)
    assert set(PLAN.targets) | set(PLAN.references) <= set(INDICATORS)
    assert not set(PLAN.targets) & set(PLAN.references)


@each
def test_an_entry_and_its_target_name_the_same_clause(id_: str):
    entry = INDICATORS[id_]
    assert entry.id == id_
    assert re.fullmatch(r"（[一二三四五六七八九十]+）", entry.clause)
    if id_ in PLAN.targets:
        assert PLAN.targets[id_].clause == entry.clause
    assert not entry.beside or INDICATORS[entry.beside].clause == entry.clause


@each
def test_an_entry_asks_only_switches_that_the_plan_has(id_: str):
    assert set(INDICATORS[id_].switches) <= set(PLAN.switches)


def test_every_switch_that_moves_a_number_is_shown_at_some_indicator():
    # The tolerances of the mirror check make tasks, never numbers.
    tolerances = {"mirror_day_share", "mirror_period_share"}
    shown = {name for entry in INDICATORS.values() for name in entry.switches}
    assert shown == set(PLAN.switches) - tolerances


def test_names_and_titles_are_unique():
    assert len({entry.name for entry in INDICATORS.values()}) == len(INDICATORS)
    assert len({entry.title for entry in INDICATORS.values()}) == len(INDICATORS)


@each
def test_a_definition_is_complete_and_in_chinese(id_: str):
    printed = definition(id_, PLAN)
    may_be_empty = {"quote", "open_questions"}
    for column in fields(Definition):
        value = getattr(printed, column.name)
        if column.name in may_be_empty:
            continue
        assert value, column.name
        if column.name not in ("indicator", "denominator"):
            assert CHINESE.search(value), column.name
    assert printed.clause.startswith("忻政办发〔2023〕7号（")
    assert bool(printed.quote) == (id_ in PLAN.targets)
    assert len(printed.open_questions) == len(INDICATORS[id_].switches)
    assert all("（现按：" in question for question in printed.open_questions)
    # No word of the trade of programmers reaches a page.
    assert not re.search(r"None|True|False|_|share", " ".join(printed_texts(printed)))


def printed_texts(printed: Definition) -> list[str]:
    """All that a reader sees of a definition, but for the number of the indicator."""
    texts = [getattr(printed, column.name) for column in fields(Definition) if column.name != "indicator"]
    return [part for text in texts for part in ([text] if isinstance(text, str) else text)]


@pytest.mark.parametrize(
    ("id_", "target"),
    [
        ("K1", "2023年21181万吨（左右）；2024年21383万吨（左右）；2025年21584万吨（左右）"),
        ("K2", "2025年90%（力争）"),
        ("K3", "2023年80%（达到…以上）；2024年80%（达到…以上）；2025年80%（达到…以上）"),
        ("K4", "2023年100%（原则上全部）；2024年100%（原则上全部）；2025年100%（原则上全部）"),
        ("K5", "无目标；参考线50%（以铁路为主）"),
        ("C1", "无目标"),
    ],
)
def test_a_target_as_it_is_printed(id_: str, target: str):
    assert definition(id_, PLAN).target == target


def test_the_open_questions_say_what_is_used_until_they_are_answered():
    assert definition("K1", PLAN).open_questions == (
        "全市铁路货运量的口径（发送；是否含接运；是否含朔黄、神朔、准池）（现按：唯一口径）",
    )
    assert definition("K3", PLAN).open_questions == (
        "皮带廊道运量是否计入专用线单位大宗铁路占比的分母（现按：不计入）",
        "专用线开通当月是否计入（次月起，1日开通计当月；或当月起）（现按：次月起）",
    )


def test_an_indicator_that_does_not_exist():
    with pytest.raises(KeyError, match="K9"):
        definition("K9", PLAN)
