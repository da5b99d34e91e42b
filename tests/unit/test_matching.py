"""Which of their columns is which: layouts as weighbridges and dispatchers export them, and what is never guessed."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from returns import GOOD, HEADERS, MINE, MINE_NAME, check_file, codes, declared, good, registry, text_of

from etl.intake import matching
from etl.intake.fields import FIELD_BY_NAME, HEADER_TO_FIELD, RETURN_FIELDS
from etl.intake.mapping import read_mapping
from etl.intake.matching import Match, Proposal, mapping_of, signature
from etl.intake.receive import Refusal
from etl.intake.worker import in_child

# As a weighbridge exports it: a title, nothing of ours in the header, a column that is no business of ours.
WEIGHBRIDGE = [
    ["演示一号煤业过磅明细", "", "", "", "", "", "", "", "", "", ""],
    [
        "序号",
        "过磅日期",
        "货物名称",
        "收发",
        "运输类型",
        "装车点",
        "卸车点",
        "里程",
        "净重（吨）",
        "车牌号",
        "收货单位",
    ],
    ["1", "2025-03-05", "原煤", "外运", "汽运", "某矿", "保定", "320.5", "33.42", "晋H00001", "演示物流园"],
    ["2", "2025-03-06", "精煤", "外运", "汽运", "某矿", "保定", "320.5", "31.08", "晋H00002", "演示物流园"],
    ["", "", "合计", "", "", "", "", "", "64.5", "", ""],
    ["制表人：张三", "", "", "", "", "", "", "", "", "", ""],
]
READ_AS = {
    "序号": None, "过磅日期": "month", "货物名称": "commodity", "收发": "direction", "运输类型": "mode",
    "装车点": "origin", "卸车点": "destination", "里程": "distance_km", "净重（吨）": "tonnes", "车牌号": None,
    "收货单位": "counterparty",
}  # fmt: skip
UNIT = {"统一社会信用代码": MINE, "企业名称": MINE_NAME}


def as_csv(rows: list[list[str]], delimiter: str = ",") -> str:
    lines = io.StringIO()
    csv.writer(lines, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return lines.getvalue()


def written(path: Path, rows: list[list[str]]) -> Path:
    """The rows as a file of the kind that the name says."""
    if path.suffix == ".csv":
        path.write_text(as_csv(rows), encoding="utf-8")
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        sheet.title = "说明"
        sheet.append(["本表由磅房导出", "每月一次"])
        table = book.create_sheet("明细")
        for row in rows:
            table.append(row)
        book.save(path)
    else:
        old = xlwt.Workbook()
        sheet = old.add_sheet("明细")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
        old.save(str(path))
    return path


def propose(path: Path, **options) -> Proposal:
    return matching.propose(path, declared(), registry(), MINE, **options)


def proposed(folder: Path, rows: list[list[str]], **options) -> Proposal:
    return propose(written(folder / "月报.csv", rows), **options)


def fields(proposal: Proposal) -> dict[str, str | None]:
    return {match.header: match.field for match in proposal.matches}


# ------------------------------------------------------------------------------------ finding and naming


@pytest.mark.parametrize("name", ["明细.csv", "明细.xlsx", "明细.xls"])
def test_a_layout_none_of_whose_headers_is_ours(tmp_path, name):
    proposal = propose(written(tmp_path / name, WEIGHBRIDGE))
    assert fields(proposal) == READ_AS
    assert proposal.header_row == 2
    assert proposal.sheet == (None if name.endswith(".csv") else "明细")
    assert proposal.missing == ("统一社会信用代码", "企业名称")
    assert (proposal.needs_confirmation, proposal.is_ordinary) == (True, False)
    assert {match.basis for match in proposal.matches} == {"相近", ""}
    assert proposal.matches[2] == Match(3, "货物名称", "commodity", "相近", ("原煤", "精煤", "合计"))


@pytest.mark.parametrize("name", ["明细.csv", "明细.xlsx", "明细.xls"])
def test_the_confirmed_layout_is_read(tmp_path, name):
    """Every row, the total row left out, the signature no data; the findings name their columns."""
    path = written(tmp_path / name, WEIGHBRIDGE)
    proposal = propose(path)
    result = check_file(path, mapping=mapping_of(proposal, proposal.chosen, constants=UNIT))
    assert (result.rows, result.tonnes, result.months) == (2, Decimal("64.5"), ("2025-03",))
    assert codes(result) == {"V022", "V023", "C006", "S113", "C011", "S104"} - (
        set() if name.endswith("x") else {"S104"}
    )
    assert {f.column for f in result.findings if f.code == "V023"} == {"货物名称", "收发", "运输类型"}


def test_in_the_child_process(tmp_path):
    path = written(tmp_path / "明细.csv", WEIGHBRIDGE)
    proposal = in_child(matching.propose, path, declared(), registry(), MINE, {})
    assert isinstance(proposal, Proposal)
    assert fields(proposal) == READ_AS


def test_our_own_layout_needs_no_question(tmp_path):
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good()), encoding="utf-8")
    proposal = propose(path)
    assert (proposal.needs_confirmation, proposal.is_ordinary) == (False, True)
    assert {match.basis for match in proposal.matches} == {"同名"}
    assert list(proposal.chosen.values()) == [field.name for field in RETURN_FIELDS]


def test_aliases_are_read_without_a_mapping(tmp_path):
    """So the note that says how a header was read (S110) stays."""
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good()).replace("运量吨", "运量(吨)").replace("起点", "发站"), encoding="utf-8")
    proposal = propose(path)
    assert {m.header: m.basis for m in proposal.matches if m.basis != "同名"} == {
        "发站": "别名",
        "运量(吨)": "别名",
    }
    assert (proposal.needs_confirmation, proposal.is_ordinary) == (False, True)
    assert check_file(path).totals == {"S110": 2}


def test_an_unknown_column_is_listed_and_asked_about(tmp_path):
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good(天气="晴"), headers=[*HEADERS, "天气"]), encoding="utf-8")
    proposal = propose(path)
    assert proposal.matches[-1] == Match(21, "天气", None, "", ("晴",))
    assert (proposal.needs_confirmation, proposal.is_ordinary) == (True, True)


def test_a_column_without_a_header_is_listed_when_it_has_cells(tmp_path):
    rows = [list(GOOD), list(GOOD.values())]
    rows = [[*row[:3], "", extra, *row[3:]] for row, extra in zip(rows, ("", "x"), strict=True)]
    proposal = proposed(tmp_path, rows)
    assert [m.position for m in proposal.matches if m.field is None] == [5]
    mapping = mapping_of(proposal, {**proposal.chosen, 5: "note"})
    assert mapping.columns["备注"] == 5
    assert check_file(tmp_path / "月报.csv", mapping=mapping).rows == 1


def test_cells_tell_what_the_header_does_not(tmp_path):
    header = ["甲", "乙", "丙", "丁", "戊", "己", "庚"]
    rows = [
        ["煤炭", "铁路", "发运", "2025-03", "原平", "忻州", "12"],
        ["焦炭", "公路", "到达", "2025-03", "忻州", "原平", "7"],
    ]
    proposal = proposed(tmp_path, [header, *rows])
    assert fields(proposal) == {
        "甲": "commodity", "乙": "mode", "丙": "direction", "丁": "month", "戊": "origin", "己": "destination",
        "庚": None,
    }  # fmt: skip
    assert proposal.needs_confirmation


def test_a_file_without_a_header(tmp_path):
    rows = [
        ["煤炭", "铁路", "发运", "2025-03", "原平", "忻州"],
        ["焦炭", "公路", "到达", "2025-03", "忻州", "原平"],
    ]
    proposal = proposed(tmp_path, rows)
    assert proposal.header_row == 0
    assert proposal.chosen == {
        1: "commodity",
        2: "mode",
        3: "direction",
        4: "month",
        5: "origin",
        6: "destination",
    }
    mapping = mapping_of(proposal, proposal.chosen)
    assert (mapping.has_header, mapping.columns["货类"]) == (False, 1)
    # Columns by number alone are asked about each time, also when remembered.
    again = propose(tmp_path / "月报.csv", remembered={proposal.signature: mapping.text})
    assert (again.chosen, again.needs_confirmation) == (proposal.chosen, True)
    assert {match.basis for match in again.matches} == {"相近"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_delimiter_is_found_by_what_stands_between(tmp_path, delimiter):
    path = tmp_path / "明细.txt"
    path.write_text(as_csv(WEIGHBRIDGE, delimiter), encoding="gb18030")
    assert fields(propose(path)) == READ_AS


def test_a_head_block_counts_as_found(tmp_path):
    head = [["月份：2025-03", "统一社会信用代码：" + MINE], [f"企业名称：{MINE_NAME}", ""]]
    proposal = proposed(tmp_path, [*head, *WEIGHBRIDGE[1:]])
    assert proposal.missing == ()
    assert proposal.head == {"月份": "2025-03", **UNIT}
    assert proposal.header_row == 3


def test_labels_of_a_head_block_are_no_header(tmp_path):
    """Four labels of ours in one row stand above a header that has none."""
    head = ["月份：", "2025-03", "统一社会信用代码：", MINE, "企业名称：", MINE_NAME, "填报单位编码：", ""]
    header = ["物资", "里程", "实际装载重量", "发货点", "收货点", "性质", "备查", ""]
    row = ["原煤", "320.5", "33.4", "原平", "忻州", "外运", "汽运", ""]
    proposal = proposed(tmp_path, [head, header, row])
    assert (proposal.header_row, proposal.missing) == (2, ())
    assert fields(proposal)["物资"] == "commodity"


def test_nothing_to_read_is_a_refusal(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"")
    with pytest.raises(Refusal):
        propose(tmp_path / "x.csv")


# ----------------------------------------------------------------------------------- what is not guessed


@pytest.mark.parametrize(
    "header", ["累计运量", "计划重量", "毛重（kg）", "毛重", "运费金额", "单价(元/公斤)"]
)
def test_what_is_not_this_months_tonnes_is_never_taken_for_it(tmp_path, header):
    headers = [h for h in GOOD if h != "运量吨"]
    proposal = proposed(tmp_path, [[*headers, header], [*(GOOD[h] for h in headers), "12"]])
    assert fields(proposal)[header] is None
    assert proposal.missing == ("运量吨",)


def test_a_header_of_numbers_over_words_is_not_believed(tmp_path):
    """里程 is like 运距; its cells say that it is something else."""
    headers = [h for h in GOOD if h != "运距公里"]
    proposal = proposed(tmp_path, [[*headers, "里程碑"], [*(GOOD[h] for h in headers), "已验收"]])
    assert fields(proposal)["里程碑"] is None


def test_our_name_wins_over_an_alias(tmp_path):
    headers = ["运量", *GOOD]
    proposal = proposed(tmp_path, [headers, ["999", *GOOD.values()]])
    assert (fields(proposal)["运量"], fields(proposal)["运量吨"]) == (None, "tonnes")
    assert not proposal.is_ordinary
    mapping = mapping_of(proposal, proposal.chosen)
    assert check_file(tmp_path / "月报.csv", mapping=mapping).tonnes == Decimal("1200.5")


def test_a_repeated_header_goes_by_its_number(tmp_path):
    rows = [[*GOOD, "运量吨"], [*GOOD.values(), "7"]]
    proposal = proposed(tmp_path, rows)
    assert [m.field for m in proposal.matches if m.header == "运量吨"] == ["tonnes", None]
    assert not proposal.is_ordinary
    last = {**{p: n for p, n in proposal.chosen.items() if n != "tonnes"}, len(GOOD) + 1: "tonnes"}
    mapping = mapping_of(proposal, last)
    assert mapping.columns["运量吨"] == len(GOOD) + 1
    assert check_file(tmp_path / "月报.csv", mapping=mapping).tonnes == 7


HEADER_TEXTS = st.one_of(
    st.sampled_from(sorted(matching._VOCABULARY)),
    st.sampled_from(["", "序号", "运量(万吨)", "单价"]),
    st.text(max_size=6),
)
CELLS = st.sampled_from(["", "煤炭", "铁路", "发运", "2025-03", "原平", "12.5", MINE, MINE_NAME, "x", "合计"])


@given(st.data())
def test_no_field_twice_and_no_column_lost(tmp_path_factory, data):
    width = data.draw(st.integers(2, 12))
    rows = [data.draw(st.lists(HEADER_TEXTS, min_size=width, max_size=width))]
    rows += data.draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=4))
    path = tmp_path_factory.mktemp("x") / "x.csv"
    path.write_text(as_csv(rows), encoding="utf-8", errors="replace", newline="")
    try:
        proposal = propose(path)
    except Refusal:
        return
    counts = Counter(match.field for match in proposal.matches if match.field)
    assert set(counts.values()) <= {1}
    assert all((match.field is None) == (match.basis == "") for match in proposal.matches)
    if proposal.scaled is None:
        mapping_of(proposal, proposal.chosen)


# ---------------------------------------------------------------------------------------- 万吨


def heaped(folder: Path, tonnes: str, header: str = "运量(万吨)") -> Path:
    text = text_of(good(运量吨=tonnes)).replace("运量吨", header)
    path = folder / "万吨.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["运量(万吨)", "运量万吨", "发运量（万吨）"])
def test_ten_thousand_tonnes_only_with_an_answer(tmp_path, header):
    path = heaped(tmp_path, "1.25", header)
    proposal = propose(path)
    assert proposal.scaled == HEADERS.index("运量吨") + 1
    assert (proposal.missing, proposal.needs_confirmation, proposal.is_ordinary) == ((), True, False)
    with pytest.raises(ValueError, match="万吨计"):
        mapping_of(proposal, proposal.chosen)
    mapping = mapping_of(proposal, proposal.chosen, converts=True)
    assert check_file(path, mapping=mapping).tonnes == 12500


def test_tonnes_beside_ten_thousand_are_taken(tmp_path):
    rows = [[*GOOD, "运量(万吨)"], [*GOOD.values(), "9"]]
    proposal = proposed(tmp_path, rows)
    assert proposal.scaled == len(GOOD) + 1
    assert fields(proposal)["运量(万吨)"] is None
    assert check_file(tmp_path / "月报.csv", mapping=mapping_of(proposal, proposal.chosen)).tonnes == Decimal(
        "1200.5"
    )


@pytest.mark.parametrize("header", ["净重（kg）", "运量(公斤)", "净重千克", "实际重量KG"])
def test_kilograms_of_a_weighbridge_only_with_an_answer(tmp_path, header):
    path = heaped(tmp_path, "32460", header)
    proposal = propose(path)
    assert proposal.scaled == HEADERS.index("运量吨") + 1
    assert fields(proposal)[header] == "tonnes"
    with pytest.raises(ValueError, match="公斤计"):
        mapping_of(proposal, proposal.chosen)
    mapping = mapping_of(proposal, proposal.chosen, converts=True)
    assert check_file(path, mapping=mapping).tonnes == Decimal("32.460")
    # Without a mapping nothing is read as tonnes.
    assert "S101" in codes(check_file(path))


def test_of_two_weights_the_one_in_tonnes_is_proposed(tmp_path):
    row = {name: text for name, text in GOOD.items() if name != "运量吨"}
    rows = [[*row, "净重(kg)", "净重(吨)"], [*row.values(), "32460", "32.46"]]
    proposal = proposed(tmp_path, rows)
    assert (fields(proposal)["净重(kg)"], fields(proposal)["净重(吨)"]) == (None, "tonnes")
    assert proposal.scaled is None


# ------------------------------------------------------------------------------------------ remembered


def test_a_remembered_layout_is_read_as_it_was_confirmed(tmp_path):
    """The clerk said otherwise than proposed: 客户 is the note, and nothing is the counterparty."""
    first = proposed(tmp_path, WEIGHBRIDGE)
    chosen = {**first.chosen, 11: "note"}
    text = mapping_of(first, chosen, constants={"月份": "2020-01"}).text
    # Next month's file has another title and other rows, and one blank more in a header.
    rows = [["四月过磅明细"], [*WEIGHBRIDGE[1][:-1], "收货 单位"], *WEIGHBRIDGE[2:4]]
    again = proposed(tmp_path, rows, remembered={first.signature: text.replace("收货单位", "收货 单位")})
    assert again.chosen == chosen
    assert {match.basis for match in again.matches} == {"已记住"}
    assert again.missing == ("统一社会信用代码", "企业名称")


def test_a_whole_remembered_layout_is_not_asked_about_and_not_read_as_ordinary(tmp_path):
    rows = [[*GOOD, "序号"], [*GOOD.values(), "1"]]
    rows[0][list(GOOD).index("货类")] = "物料"
    first = proposed(tmp_path, rows)
    assert first.needs_confirmation
    again = proposed(tmp_path, rows, remembered={first.signature: mapping_of(first, first.chosen).text})
    assert (again.needs_confirmation, again.is_ordinary) == (False, False)
    assert check_file(tmp_path / "月报.csv", mapping=mapping_of(again, again.chosen)).rows == 1


@pytest.mark.parametrize(
    "text", ["[columns]\n'货类' = '不在'", "[columns]\n'货类' = 99", "= x", "[columns]\n'无' = 1"]
)
def test_a_remembered_mapping_that_no_longer_fits_is_left_aside(tmp_path, text):
    first = proposed(tmp_path, WEIGHBRIDGE)
    again = proposed(tmp_path, WEIGHBRIDGE, remembered={first.signature: text})
    assert again == first


def test_a_layout_is_known_by_its_header():
    assert signature(("净重（吨）", "货 名", "")) == signature(("净重(吨)", "货名"))
    assert signature(("甲", "乙")) != signature(("乙", "甲"))
    assert signature(("甲乙",)) != signature(("甲", "乙"))


# -------------------------------------------------------------------------------------------- TOML


PLAIN = Proposal(None, 1, (), (), None, "", {})
FIELDS = sorted(FIELD_BY_NAME)


@given(
    st.lists(st.text(st.characters(codec=None)), min_size=1, max_size=len(FIELDS)),
    st.dictionaries(st.sampled_from(HEADERS), st.text(), max_size=3),
)
def test_any_header_is_written_so_that_it_reads_back(headers, constants):
    """Quotes, backslashes, line breaks, control characters; repeated and empty ones go by their number."""
    matches = tuple(Match(n, text, None, "", ()) for n, text in enumerate(headers, 1))
    proposal = replace(PLAIN, matches=matches)
    chosen = {n: FIELDS[n - 1] for n in range(1, len(headers) + 1)}
    mapping = mapping_of(proposal, chosen, constants=constants, converts=True)
    assert read_mapping(mapping.text) == mapping
    assert mapping.text.encode("utf-8")
    assert mapping.constants == {name: text for name, text in constants.items() if text}
    often = Counter(headers)
    for position, name in chosen.items():
        column = mapping.columns[FIELD_BY_NAME[name].header]
        text = headers[position - 1]
        is_text = isinstance(column, str)
        assert column == (text if is_text else position)
        assert is_text or not text or often[text] > 1 or any("\ud800" <= c <= "\udfff" for c in text)


def test_two_columns_of_one_field_are_refused():
    matches = (Match(1, "甲", None, "", ()), Match(3, "乙", None, "", ()))
    with pytest.raises(ValueError, match="“货类”选了两列：第1列和第3列"):
        mapping_of(replace(PLAIN, matches=matches), {1: "commodity", 3: "commodity"})


def test_every_word_of_the_trade_belongs_to_one_field():
    words = [word for field in matching._WORDS.values() for word in set(field)]
    assert sorted(words) == sorted(set(words))
    assert HEADER_TO_FIELD.items() <= matching._VOCABULARY.items()
