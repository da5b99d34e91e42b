"""A clerk's desk over a real ledger: what is due, drafts, the grid and the paste, mappings and mends.

A is the mine of the story: January and February are accepted. Today is 12 March 2025, February's due day was
10 March (the 8th is a Saturday).
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl import clerk, demo, filing, pipeline
from etl.clerk import GRID_HEADERS, HEAD_HEADERS, Draft, due_sentence, pasted
from etl.filing import UnknownUnit
from etl.intake.check import CheckResult
from etl.intake.fields import FIELD_BY_NAME, HEADER_TO_FIELD, plain
from etl.intake.finding import Refusal
from etl.intake.matching import mapping_of
from etl.intake.receive import read_text_table
from etl.ledger import audit, schema
from etl.ledger.schema import open_ledger, reading
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.warehouse.scope import NotVisible

from . import story
from .command import Desk
from .demonstration import demonstration
from .story import GROUP, NAMES, RECEIVED, A, B, C, P

JANUARY, FEBRUARY, MARCH = date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)
CLERK = "张三"
FLOW = {
    "货类": "煤炭", "方向": "发运", "运输方式": "铁路", "起点": "原平", "终点": "天津", "通道": "同蒲",
    "运距公里": "650.5", "运量吨": "1200.5",
}  # fmt: skip


@pytest.fixture(scope="module")
def told_once(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    base = tmp_path_factory.mktemp("clerk")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    assert (
        desk.run("load", base / "files" / "a.csv", base / "files" / "bc.csv", "--received", RECEIVED).code
        == 0
    )
    assert desk.run("build").code == 0
    return desk


@pytest.fixture
def work(told_once: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    home = tmp_path / "home"
    shutil.copytree(told_once.home, home)
    monkeypatch.setenv("RAILSHIFT_TODAY", told_once.today)
    return Workplace(home, open_ledger(home), load_declared(told_once.data))


@pytest.fixture(scope="module")
def still(told_once: Desk, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace that nothing is changed in."""
    home = tmp_path_factory.mktemp("still") / "home"
    shutil.copytree(told_once.home, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAILSHIFT_TODAY", told_once.today)
        return Workplace(home, open_ledger(home), load_declared(told_once.data))


def on(work: Workplace, day: date) -> Workplace:
    """The same desk on another day."""
    return replace(work, declared=replace(work.declared, demo_today=day))


def registered(work: Workplace, **changes: object) -> None:
    """Another row of A in the registry, as known today."""
    with work.ledger.begin() as connection:
        table = schema.registry
        row = dict(
            connection.execute(sa.select(table).where(table.c.unit_code == A)).mappings().first() or {}
        )
        del row["registry_id"]
        connection.execute(sa.insert(table).values(row | changes))


def entries(work: Workplace, action: str) -> list[tuple[str, str, dict]]:
    """Actor, subject and detail of the audit's entries of one action; the chain holds."""
    log = schema.audit_log.c
    with reading(work.ledger) as connection:
        assert audit.broken(connection) == []
        query = (
            sa.select(log.actor, log.subject, log.detail).where(log.action == action).order_by(log.entry_id)
        )
        return [(actor, subject, json.loads(detail)) for actor, subject, detail in connection.execute(query)]


def checked(work: Workplace, path: Path, mapping=None, folder: Path | None = None) -> CheckResult:
    return next(pipeline.check(work, [path], mapping, own_units=frozenset({A}), rows_folder=folder))


def rows_in(folder: Path) -> list[dict]:
    (file,) = folder.glob("*.parquet")
    with duckdb.connect() as con:
        return con.read_parquet(str(file)).order("row_no").to_arrow_table().to_pylist()


# -------------------------------------------------------------------------------------------------- due


def listed(work: Workplace, *units: str) -> dict[tuple[str, date], clerk.Due]:
    return {(one.unit_code, one.month): one for one in clerk.due(work, frozenset(units))}


def test_the_newest_month_first_and_names_in_order(work):
    found = clerk.due(work, frozenset({A, B, C, P}))
    assert [(one.month, one.unit_code) for one in found] == [
        (month, unit) for month in (FEBRUARY, JANUARY) for unit in sorted((A, B, C, P), key=NAMES.__getitem__)
    ]
    assert {one.name for one in found} == set(NAMES.values())


def test_what_is_due_and_where_it_stands(work):
    found = listed(work, A, B, P)
    assert [(found[key].state, found[key].submission_id is None) for key in ((A, FEBRUARY), (B, FEBRUARY))] == [
        ("通过", False), ("未报", True),
    ]  # fmt: skip
    # The 8th of March 2025 is a Saturday, that of February, too.
    assert [found[B, month].due_on for month in (JANUARY, FEBRUARY)] == [date(2025, 2, 10), date(2025, 3, 10)]
    assert (found[B, FEBRUARY].days_left, due_sentence(found[B, FEBRUARY])) == (-2, "2月月报：已过截止日2天")


@pytest.mark.parametrize(
    "day, left, sentence",
    [
        (date(2025, 3, 7), 3, "2月月报：3月10日截止，还有3天"),
        (date(2025, 3, 10), 0, "2月月报：今天截止"),
        (date(2025, 3, 11), -1, "2月月报：已过截止日1天"),
    ],
)
def test_the_day_of_a_demonstration_counts(work, day, left, sentence):
    one = listed(on(work, day), B)[B, FEBRUARY]
    assert (one.days_left, due_sentence(one)) == (left, sentence)


def test_holidays_move_the_due_day(work):
    holidays = frozenset({date(2025, 3, 10), date(2025, 3, 11)})
    plan = replace(work.declared.plan, holidays=holidays)
    moved = replace(work, declared=replace(work.declared, plan=plan))
    assert listed(moved, B)[B, FEBRUARY].due_on == date(2025, 3, 12)
    assert due_sentence(listed(moved, B)[B, FEBRUARY]) == "2月月报：今天截止"


def test_twelve_months_at_most_and_not_the_running_one(work):
    months = [month for _, month in listed(on(work, date(2026, 7, 1)), B)]
    assert (months[0], months[-1], len(months)) == (date(2026, 6, 1), date(2025, 7, 1), 12)


@pytest.mark.parametrize(
    "changes, due_months",
    [
        ({"due_from": FEBRUARY}, [FEBRUARY]),
        ({"due_from": None}, []),
        ({"due_to": JANUARY}, [JANUARY]),
        # Stopped from February on: the state on the month's last day.
        ({"production_state": "停产", "valid_from": date(2025, 2, 28)}, [JANUARY]),
        ({"production_state": "停产", "valid_from": MARCH}, [FEBRUARY, JANUARY]),
    ],
)
def test_who_is_not_expected_has_nothing_to_report(work, changes, due_months):
    registered(work, **({"unit_code": "NEW"} | changes))
    if "valid_from" in changes:
        registered(work, unit_code="NEW")
    assert [month for _, month in listed(work, "NEW")] == due_months


def test_what_was_handed_in_is_there_though_nothing_is_due(work):
    registered(work, due_from=None, recorded_on=date(2025, 3, 2))
    assert [one.state for one in clerk.due(work, frozenset({A}))] == ["通过", "通过"]


def test_a_month_sent_back_says_why(work, tmp_path):
    path = clerk.zero_file(work, P, FEBRUARY, tmp_path, units=frozenset({P}))
    filed = filing.submit(work, path, units=frozenset({P}))
    (receipt,) = filed.receipts
    assert listed(work, P)[P, FEBRUARY].state == "已上报"
    filing.send_back(work, [receipt.submission_id], "漏报公路")
    one = listed(work, P)[P, FEBRUARY]
    assert (one.state, one.reason, one.submission_id) == ("退回", "漏报公路", receipt.submission_id)


def test_the_reason_of_a_correction_is_none_of_a_return(work, tmp_path):
    path = clerk.zero_file(work, A, FEBRUARY, tmp_path)
    explained = dict.fromkeys(checked(work, path).totals, "停工")
    filing.submit(work, path, units=frozenset({A}), explained=explained, reason="更正为零")
    one = listed(work, A)[A, FEBRUARY]
    assert (one.state, one.reason) == ("已上报", "")


def test_another_units_months_are_not_there(work):
    assert {one.unit_code for one in clerk.due(work, frozenset({B}))} == {B}
    assert clerk.due(work, frozenset()) == []
    assert clerk.due(work, frozenset({"NOBODY"})) == []


def test_the_demonstrations_own_day():
    """The clock of the machine does not matter: the demonstration's units are late by its own day."""
    desk = demonstration()
    work = Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data, demo.overlay_of(desk.home)))
    units = frozenset(filing.names(work))
    newest = clerk.due(work, units)[0].month
    assert newest == date(work.today.year, work.today.month - 1, 1)
    assert work.declared.demo_today == work.today


# ----------------------------------------------------------------------------------------------- drafts


def test_a_draft_is_said_in_the_list_and_survives(work):
    assert not listed(work, B)[B, FEBRUARY].has_draft
    clerk.save_draft(work, Draft(B, FEBRUARY, "grid", ({"货类": "煤"},)), CLERK, units=frozenset({B}))
    again = Workplace(work.home, open_ledger(work.home), work.declared)
    one = listed(again, B)[B, FEBRUARY]
    assert (one.state, one.has_draft, one.submission_id) == ("暂存", True, None)
    found = clerk.draft_of(again, B, FEBRUARY, units=frozenset({B}))
    assert found is not None
    assert found.rows == ({"货类": "煤"},)
    clerk.drop_draft(again, B, FEBRUARY, CLERK, units=frozenset({B}))
    assert clerk.draft_of(again, B, FEBRUARY) is None
    assert listed(again, B)[B, FEBRUARY].state == "未报"
    assert [entry[:2] for entry in entries(work, "暂存草稿")] == [(CLERK, f"draft:{B}:2025-02")]
    assert [entry[:2] for entry in entries(work, "删除草稿")] == [(CLERK, f"draft:{B}:2025-02")]


def test_a_draft_beside_an_accepted_month_changes_no_state(work):
    clerk.save_draft(work, Draft(A, FEBRUARY, "grid"), CLERK)
    one = listed(work, A)[A, FEBRUARY]
    assert (one.state, one.has_draft) == ("通过", True)


def test_another_units_draft_cannot_be_seen_or_changed(work, tmp_path):
    clerk.save_draft(work, Draft(A, FEBRUARY, "grid", ({"货类": "煤"},)), CLERK)
    others = frozenset({B})
    for attempt in (
        lambda: clerk.save_draft(work, Draft(A, FEBRUARY, "grid"), CLERK, units=others),
        lambda: clerk.draft_of(work, A, FEBRUARY, units=others),
        lambda: clerk.drop_draft(work, A, FEBRUARY, CLERK, units=others),
        lambda: clerk.grid_rows(work, A, FEBRUARY, units=others),
        lambda: clerk.grid_file(work, A, FEBRUARY, [], tmp_path, units=others),
        lambda: clerk.zero_file(work, A, FEBRUARY, tmp_path, units=others),
    ):
        with pytest.raises(NotVisible, match="不能为它填报"):
            attempt()
    found = clerk.draft_of(work, A, FEBRUARY)
    assert found is not None
    assert found.rows == ({"货类": "煤"},)
    assert list(tmp_path.glob("*.csv")) == []


# ------------------------------------------------------------------------------------------------- grid


def test_the_grid_begins_with_last_months_flows(work):
    rows = clerk.grid_rows(work, A, MARCH)
    assert all(tuple(row) == GRID_HEADERS for row in rows)
    assert [(row["运输方式"], row["运距公里"], row["运量吨"]) for row in rows] == [
        ("铁路", "560", ""), ("公路", "500", ""), ("公路", "499.9", ""), ("皮带廊道", "3.5", ""),
    ]  # fmt: skip
    # C had no traffic at all.
    assert clerk.grid_rows(work, C, MARCH) == []


def test_a_grid_draft_wins_over_last_month(work):
    clerk.save_draft(work, Draft(A, MARCH, "grid", ({"货类": "焦炭", "运量吨": "7"},)), CLERK)
    (row,) = clerk.grid_rows(work, A, MARCH)
    assert (row["货类"], row["运量吨"], row["备注"]) == ("焦炭", "7", "")
    clerk.save_draft(work, Draft(A, MARCH, "file", file_name="x.csv", content=b"x"), CLERK)
    assert len(clerk.grid_rows(work, A, MARCH)) == 4


def test_last_months_flows_with_tonnes_are_a_return(work, tmp_path):
    rows = [{**row, "运量吨": "10"} for row in clerk.grid_rows(work, A, MARCH)]
    path = clerk.grid_file(work, A, MARCH, rows, tmp_path, units=frozenset({A}))
    result = checked(work, path)
    assert (result.accepted, result.rows, result.tonnes) == (True, 4, 40)
    assert [(one.unit_code, one.month) for one in result.unit_months] == [(A, MARCH)]


def test_findings_lead_back_to_the_grids_rows(work, tmp_path):
    """A blank row between others keeps its number, a cell with a line break counts as one row."""
    rows = [
        FLOW,
        {},
        {**FLOW, "货类": "煤\n炭", "终点": "保定"},
        {**FLOW, "运量吨": "很多"},
        {},
        {"货类": " "},
    ]
    path = clerk.grid_file(work, A, MARCH, rows, tmp_path)
    result = checked(work, path)
    wrong = [(f.code, f.row, f.column) for f in result.findings if f.severity == "强制"]
    assert ("V006", 4 + clerk.GRID_OFFSET, "运量吨") in wrong
    assert {row for _, row, _ in wrong} <= {3 + clerk.GRID_OFFSET, 4 + clerk.GRID_OFFSET}
    assert result.rows == 3
    # Blank rows at the end are left out, the one between is not.
    assert path.read_text(encoding="utf-8-sig").count("\n") == 1 + 4 + 1


def test_two_units_of_one_code_have_their_own_unit_code(work, tmp_path):
    path = clerk.grid_file(work, B, MARCH, [FLOW], tmp_path)
    (row,) = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    assert [row[header] for header in HEAD_HEADERS] == ["2025-03", GROUP, B, NAMES[B]]
    result = next(pipeline.check(work, [path], own_units=frozenset({B})))
    assert [one.unit_code for one in result.unit_months] == [B]


def test_the_name_is_that_of_the_month(work, tmp_path):
    """A was renamed in March: February's return bears the old name, and neither is asked about (I007)."""
    registered(work, name="演示新名煤业有限公司", valid_from=MARCH)
    for month, name in ((FEBRUARY, NAMES[A]), (MARCH, "演示新名煤业有限公司")):
        path = clerk.grid_file(work, A, month, [FLOW], tmp_path)
        assert name in path.read_text(encoding="utf-8-sig")
        assert "I007" not in checked(work, path).totals


def test_nothing_in_the_grid_is_no_return(work, tmp_path):
    assert "S111" in checked(work, clerk.grid_file(work, A, MARCH, [{}, {"备注": ""}], tmp_path)).totals


def test_an_unknown_unit_is_a_sentence(work, tmp_path):
    with pytest.raises(UnknownUnit, match="名录中没有"):
        clerk.grid_file(work, "NOBODY", MARCH, [FLOW], tmp_path)


def test_a_zero_return_is_taken(work, tmp_path):
    path = clerk.zero_file(work, A, MARCH, tmp_path, units=frozenset({A}))
    result = checked(work, path)
    assert [(one.unit_code, one.month, one.is_zero) for one in result.unit_months] == [(A, MARCH, True)]
    assert result.accepted


TYPED = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12
) | st.sampled_from(
    [
        "=1+1",
        "+1",
        "@a",
        "007.50",
        "１２",
        "1,200",
        ' "a" ',
        'a"b',
        "第一\n第二",
        "\r",
        "a\r\nb",
        "'",
        ";",
        "\t",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(st.lists(TYPED, min_size=16, max_size=16), min_size=1, max_size=4))
def test_what_is_typed_is_what_is_read(still, tmp_path_factory, rows):
    """Every cell as typed: zeros in front, full width, formulas, line breaks, quotes."""
    folder = tmp_path_factory.mktemp("grid")
    typed = [dict(zip(GRID_HEADERS, row, strict=True)) for row in rows]
    path = clerk.grid_file(still, A, MARCH, typed, folder)
    table = read_text_table(path)
    assert table.header == (*HEAD_HEADERS, *GRID_HEADERS)
    filled = [
        number for number, row in enumerate(rows, 1) if any(cell and not cell.isspace() for cell in row)
    ]
    assert [number - clerk.GRID_OFFSET for number in table.row_numbers] == filled
    for number, read in zip(filled, table.rows, strict=True):
        assert [cell or "" for cell in read[len(HEAD_HEADERS) :]] == rows[number - 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15)
@given(
    notes=st.lists(
        st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
        .map(str.strip)
        .filter(lambda text: text and "零申报" not in text),
        min_size=1,
        max_size=4,
    ),
    breaks=st.lists(st.sampled_from(["", "\n", "，\n"]), min_size=4, max_size=4),
)
def test_the_check_reads_back_every_cell(still, tmp_path_factory, notes, breaks):
    """Through the check itself, to the stored rows: free text whole, numbers exact, each under its grid row."""
    folder = tmp_path_factory.mktemp("grid")
    notes = [f"备{note}{mark}注" for note, mark in zip(notes, breaks, strict=False)]
    typed = [{**FLOW, "终点": f"地{n}", "运量吨": f"00{n}.5", "备注": note} for n, note in enumerate(notes)]
    path = clerk.grid_file(still, A, MARCH, typed, folder)
    result = checked(still, path, folder=folder / "rows")
    assert result.accepted, result.findings
    read = rows_in(folder / "rows")
    assert [(row["row_no"] - clerk.GRID_OFFSET, row["note"], row["tonnes"]) for row in read] == [
        (n + 1, note, Decimal(f"{n}.5")) for n, note in enumerate(notes)
    ]


# ------------------------------------------------------------------------------------------------ paste


def tsv(rows: list[list[str]], ending: str = "\r\n") -> str:
    """As Excel puts cells on the clipboard: quoted where a cell has a tab, a line break or a quote."""

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if set(text) & set('\t\r\n"') else text

    return "".join("\t".join(map(cell, row)) + ending for row in rows)


def texts(rows: list[dict[str, str]]) -> list[list[str]]:
    return [list(row.values()) for row in rows]


@given(
    rows=st.lists(st.lists(TYPED, min_size=16, max_size=16), max_size=4),
    ending=st.sampled_from(["\r\n", "\n", "\r"]),
    is_cut=st.booleans(),
)
def test_pasted_rows_come_back_cell_for_cell(rows, ending, is_cut):
    text = tsv([list(GRID_HEADERS), *rows], ending)
    found = pasted(text[: -len(ending)] if is_cut else text)
    while rows and not any(cell and not cell.isspace() for cell in rows[-1]):
        rows.pop()
    assert texts(found) == rows
    assert all(tuple(row) == GRID_HEADERS for row in found)


@given(rows=st.lists(st.lists(TYPED, min_size=1, max_size=16), min_size=1, max_size=4))
def test_without_a_header_the_columns_are_in_their_order(rows):
    if any(plain(cell) in HEADER_TO_FIELD for cell in rows[0]):
        return
    found = pasted(tsv(rows))
    while rows and not any(cell and not cell.isspace() for cell in rows[-1]):
        rows.pop()
    assert texts(found) == [[*row, *[""] * (16 - len(row))] for row in rows]


def test_pasted_from_a_spreadsheet_with_other_names_and_fewer_columns():
    found = pasted(
        '发站\t到站\t品类\t运量(吨)\r\n原平\t天津\t"煤\n炭"\t１２\r\n\t\t\t\r\n忻州\t天津\t焦炭\t\r\n\r\n'
    )
    assert [(row["起点"], row["货类"], row["运量吨"]) for row in found] == [
        ("原平", "煤\n炭", "１２"), ("", "", ""), ("忻州", "焦炭", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, cells",
    [
        ("", []),
        ("\r\n", []),
        ("\t\t\r\n", []),
        ("煤炭", ["煤炭"]),
        ('5" 管\t发运', ['5" 管', "发运"]),
        ('"未闭合\t发运', ['"未闭合', "发运"]),
        ('"a"b\t发运', ['"a"b', "发运"]),
        ('"他说""好"""\t发运', ['他说"好"', "发运"]),
        ("煤炭\t", ["煤炭", ""]),
        ("运量吨\n12", ["", "", "", "", "", "", "", "", "12"]),
    ],
)
def test_the_clipboards_own_ways(text, cells):
    wanted = [[*cells, *[""] * (16 - len(cells))]] if cells else []
    assert texts(pasted(text)) == wanted


@pytest.mark.parametrize(
    "text, words",
    [
        ("\t".join(map(str, range(17))), ["17列", "16列", "请只复制"]),
        ("货类\t运量吨\n煤炭\t1\t2", ["3列", "2列", "整块复制"]),
        ("货类\t天气\t运量吨\n煤炭\t晴\t1", ["第2列“天气”", "删去这一列"]),
        ("货类\t方向\t运量(万吨)\n煤炭\t发运\t1", ["第3列", "万吨", "换算成吨"]),
        ("月份\t货类\n2025-03\t煤炭", ["第1列“月份”", "由页面填写"]),
        ("货类\t品类\n煤炭\t煤炭", ["第2列“品类”", "只复制其中一列"]),
    ],
)
def test_what_does_not_fit_is_a_sentence(text, words):
    with pytest.raises(ValueError, match=".*".join(words)):
        pasted(text)


def test_a_wide_selection_with_nothing_in_it_is_no_column():
    assert len(pasted("煤炭" + "\t" * 40 + "\r\n")) == 1


# ---------------------------------------------------------------------------------------------- mapping


LAYOUT = ["序号", "货名", "收发", "运输工具", "装车点", "卸车点", "里程", "净重（吨）", "线路"]
LINES = [
    ["1", "原煤", "外运", "汽运", "某矿", "保定", "320.5", "33.42", "同蒲"],
    ["2", "精煤", "外运", "火车", "某矿", "保定", "320.5", "31.08", "同蒲"],
]


def layout(folder: Path, name: str = "磅房.xlsx", lines: list[list[str]] = LINES) -> Path:
    book = openpyxl.Workbook()
    for row in [["过磅明细"], [], LAYOUT, *lines]:
        book.worksheets[0].append(row)
    book.save(folder / name)
    return folder / name


def constants(month: str = "2025-03") -> dict[str, str]:
    return {"月份": month, "统一社会信用代码": A, "企业名称": NAMES[A]}


def test_a_layout_is_proposed_confirmed_remembered_and_handed_in(work, tmp_path):
    path = layout(tmp_path)
    first = clerk.propose(work, path, A)
    assert (first.header_row, first.missing) == (3, ("月份", "统一社会信用代码", "企业名称"))
    assert [match.header for match in first.matches if match.field is None] == ["序号"]
    mapping = mapping_of(first, first.chosen, constants=constants())
    clerk.remember(work, A, first, mapping, CLERK, units=frozenset({A}))
    filed = filing.submit(work, path, units=frozenset({A}), mapping=mapping)
    (receipt,) = filed.receipts
    assert (receipt.month, receipt.rows, receipt.tonnes) == (MARCH, 2, Decimal("64.5"))
    # Next month the same layout is known, the month of last time is not.
    again = clerk.propose(work, layout(tmp_path, "四月.xlsx", LINES[:1]), A)
    assert {match.basis for match in again.matches} == {"已记住"}
    assert (again.chosen, again.missing, again.signature) == (first.chosen, first.missing, first.signature)
    # Another unit's clerk is asked as at first.
    assert {match.basis for match in clerk.propose(work, path, B).matches} == {"相近", ""}


def test_what_is_remembered_is_listed_and_deleted(work, tmp_path):
    first = clerk.propose(work, layout(tmp_path), A)
    clerk.remember(work, A, first, mapping_of(first, first.chosen, constants=constants()), CLERK)
    (one,) = clerk.remembered(work, frozenset({A, B}))
    assert (one.unit_code, one.header, one.actor) == (A, tuple(LAYOUT), CLERK)
    assert one.columns == {
        "货类": "货名", "方向": "收发", "运输方式": "运输工具", "起点": "装车点", "终点": "卸车点", "运距公里": "里程",
        "运量吨": "净重（吨）", "通道": "线路",
    }  # fmt: skip
    assert clerk.remembered(work, frozenset({B})) == []
    with pytest.raises(ValueError, match="没有这条列对照"):
        clerk.forget(work, one.mapping_id, frozenset({B}), CLERK)
    assert clerk.remembered(work, frozenset({A})) == [one]
    clerk.forget(work, one.mapping_id, frozenset({A}), CLERK)
    assert clerk.remembered(work, frozenset({A})) == []
    assert {match.basis for match in clerk.propose(work, layout(tmp_path), A).matches} == {"相近", ""}
    assert [entry[0] for entry in entries(work, "记住列对照") + entries(work, "删除列对照")] == [CLERK] * 2
    with pytest.raises(NotVisible):
        clerk.remember(work, A, first, mapping_of(first, first.chosen), CLERK, units=frozenset({B}))


def test_a_column_by_number_is_listed_as_one(work, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("煤炭,铁路,发运,2025-03,原平,忻州\n", encoding="utf-8")
    first = clerk.propose(work, path, A)
    clerk.remember(work, A, first, mapping_of(first, first.chosen), CLERK)
    (one,) = clerk.remembered(work, frozenset({A}))
    assert (one.columns["货类"], one.columns["终点"]) == ("第1列", "第6列")


def test_a_file_that_cannot_be_read_is_refused(work, tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(Refusal, match="PDF"):
        clerk.propose(work, tmp_path / "x.pdf", A)


# ------------------------------------------------------------------------------------------------ mends


TONNES = ["0.12", "１．５", "1,234.5678", "1 000", " 2.5 ", "0.0001", "3"]


def heaped(folder: Path) -> Path:
    rows = [story.row(A, "2025-03", "铁路", text, 终点=f"地{n}") for n, text in enumerate(TONNES)]
    path = folder / "万吨.csv"
    path.write_text(story.csv_text(rows).replace("运量吨", "运量(万吨)"), encoding="utf-8")
    return path


def test_an_answer_to_ten_thousand_is_the_same_by_mapping_and_by_mend(work, tmp_path):
    """Row by row: full width, separators, blanks."""
    path = heaped(tmp_path)
    before = checked(work, path)
    assert (before.totals["S112"], before.unit_months) == (1, ())
    proposal = clerk.propose(work, path, A)
    assert proposal.needs_confirmation
    mapping = mapping_of(proposal, proposal.chosen, converts=True)
    by_mapping = checked(work, path, mapping, tmp_path / "a")
    book, name, mends = clerk.mended(work, path, answers=["S112"])
    assert (name, {mend.code for mend in mends}) == ("万吨-已修正.xlsx", {"S112"})
    (tmp_path / name).write_bytes(book)
    by_mend = checked(work, tmp_path / name, folder=tmp_path / "b")
    assert [row["tonnes"] for row in rows_in(tmp_path / "a")] == [
        Decimal(t) for t in ("1200", "15000", "12345678", "10000000", "25000", "1", "30000")
    ]
    assert rows_in(tmp_path / "a") == [{**row, "sheet": None} for row in rows_in(tmp_path / "b")]
    assert by_mapping.tonnes == by_mend.tonnes
    filed = filing.submit(
        work,
        path,
        units=frozenset({A}),
        mapping=mapping,
        explained=dict.fromkeys(by_mapping.totals, "属实"),
    )
    assert [receipt.tonnes for receipt in filed.receipts] == [by_mend.tonnes]


def test_without_an_answer_ten_thousand_stays(work, tmp_path):
    _, _, mends = clerk.mended(work, heaped(tmp_path))
    assert "S112" not in {mend.code for mend in mends}


def test_a_mended_file_says_plainly_what_was_understood(work, tmp_path):
    path = tmp_path / "月报.csv"
    rows = [story.row(A, "2025年3月", "火车", "１２"), story.row(A, "2025-03", "铁路", "1,200", 终点="某地")]
    path.write_text(story.csv_text(rows), encoding="gb18030")
    book, name, mends = clerk.mended(work, path)
    (tmp_path / name).write_bytes(book)
    after = checked(work, tmp_path / name)
    assert {mend.code for mend in mends} == {"V021", "V022", "V023", "V024"}
    assert not set(after.totals) & {"V021", "V022", "V023", "V024"}
    assert (after.tonnes, after.months) == (1212, ("2025-03",))
    # Nothing of ours is added: the file may be sent as it is.
    sheets = openpyxl.load_workbook(tmp_path / name)
    assert [sheet.title for sheet in sheets] == ["月报"]
    assert [cell.value for cell in sheets.worksheets[0][1]] == story.HEADERS


def test_a_mended_file_is_read_by_the_mapping_of_the_old_one(work, tmp_path):
    path = layout(tmp_path)
    proposal = clerk.propose(work, path, A)
    mapping = mapping_of(proposal, proposal.chosen, constants=constants())
    book, name, mends = clerk.mended(work, path, mapping=mapping)
    (tmp_path / name).write_bytes(book)
    assert {(mend.column, mend.new) for mend in mends} == {
        ("货名", "煤炭"), ("收发", "发运"), ("运输工具", "公路"), ("运输工具", "铁路"),
    }  # fmt: skip
    after = checked(work, tmp_path / name, mapping)
    assert (after.tonnes, "V023" in after.totals) == (Decimal("64.5"), False)


def test_the_grid_takes_the_mends_of_its_file(work, tmp_path):
    rows = [{**FLOW, "运量吨": "１２"}, {}, {**FLOW, "货类": "原煤", "终点": "天津站", "备注": "１２"}]
    path = clerk.grid_file(work, A, MARCH, rows, tmp_path)
    _, _, mends = clerk.mended(work, path)
    changed = clerk.grid_mended(rows, mends)
    assert [(row["货类"], row["运量吨"], row["备注"]) for row in changed] == [
        ("煤炭", "12", ""), ("", "", ""), ("煤炭", "1200.5", "１２"),
    ]  # fmt: skip
    assert rows[0]["运量吨"] == "１２"
    assert not {"V021", "V023"} & set(
        checked(work, clerk.grid_file(work, A, MARCH, changed, tmp_path)).totals
    )


def test_mends_that_were_taken_are_in_the_audit(work, tmp_path):
    path = tmp_path / "月报.csv"
    rows = [story.row(A, "2025-03", "火车", "１２"), story.row(A, "2025-03", "铁路", "１３")]
    path.write_text(story.csv_text(rows), encoding="utf-8")
    _, _, mends = clerk.mended(work, path)
    assert entries(work, "一键修正") == []
    clerk.log_mends(work, mends, "file:0123", CLERK)
    clerk.log_mends(work, (), "file:4567", CLERK)
    assert entries(work, "一键修正") == [(CLERK, "file:0123", {"V021": 2, "V023": 1})]


def test_the_command_line_logs_its_mends(told_once, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(told_once.home, home)
    desk = Desk(home, told_once.data)
    path = tmp_path / "月报.csv"
    path.write_text(story.csv_text([story.row(A, "2025-03", "火车", "12")]), encoding="utf-8")
    desk.run("check", path, "--report", tmp_path / "a.xlsx")
    work = Workplace(home, open_ledger(home), load_declared(desk.data))
    assert entries(work, "一键修正") == []
    assert desk.run("check", path, "--report", tmp_path / "a.xlsx", "--mend").code == 0
    ((_, subject, counts),) = entries(work, "一键修正")
    assert subject.startswith("file:")
    assert (len(subject), counts) == (5 + 64, {"V023": 1})


def test_every_column_of_a_return_is_the_pages_or_the_grids():
    assert {*HEAD_HEADERS, *GRID_HEADERS} == {field.header for field in FIELD_BY_NAME.values()}
