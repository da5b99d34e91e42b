"""Each rule of intake: one file that breaks it, and one that just does not."""

from __future__ import annotations

import gzip
import io
from datetime import date

import openpyxl
import pytest
import xlwt
from past import history, level, spur
from returns import DRAYAGE, GROUP, HEADERS, MINE, MINE_NAME, PARK_NAME, ZERO, check, codes, good, text_of

from etl.intake import check as check_module
from etl.intake import receive, result, spreadsheet
from etl.intake.history import History
from etl.intake.mapping import read_mapping
from etl.intake.returned import in_general
from etl.intake.rules import BY_CODE, RULES

# A rule on cells: code, what the good row is changed to, what it is changed to that is just allowed.
CELL_CASES = [
    ("V001", {"货类": ""}, {"货类": "煤炭"}),
    ("V001", {"运量吨": " "}, {"运量吨": "0"}),
    ("V001", {"终点": ""}, {"终点": "任一地方"}),
    ("V002", {"运距公里": ""}, {"运距公里": "", "起点": "忻州", "终点": "石家庄"}),
    ("V003", {"月份": ""}, {"月份": "2025-03"}),
    ("V004", {"运量吨": "#DIV/0!"}, {"备注": "#1煤"}),
    ("V004", {"企业名称": "#N/A"}, {"企业名称": MINE_NAME}),
    ("V005", {"备注": "x\x01y"}, {"备注": "x\ty"}),
    ("V006", {"运量吨": "1e3"}, {"运量吨": "1000"}),
    ("V006", {"运量吨": "1_000"}, {"运量吨": "1,000"}),
    ("V006", {"运距公里": "约650"}, {"运距公里": "650"}),
    ("V006", {"箱数": "十"}, {"箱数": "10"}),
    ("V007", {"运量吨": "-0.001"}, {"运量吨": "0.000"}),
    ("V007", {"运距公里": "-1"}, {"运距公里": "0"}),
    ("V008", {"运量吨": "12.3456"}, {"运量吨": "12.3450"}),
    ("V008", {"运量吨": "0.0001"}, {"运量吨": "0.001"}),
    ("V009", {"车数": "1.5"}, {"车数": "1.0"}),
    ("V009", {"运距公里": "499.9999999999"}, {"运距公里": "499.999999999"}),
    ("V010", {"月份": "三月"}, {"月份": "2025年3月"}),
    ("V010", {"月份": "2025-13"}, {"月份": "2025-12"}),
    ("V011", {"月份": "2023.1"}, {"月份": "2023.01"}),
    ("V012", {"月份": "2026-11"}, {"月份": "2026-10"}),
    ("V013", {"运输方式": "骡马"}, {"运输方式": "其他"}),
    ("V013", {"装载": "桶装"}, {"装载": ""}),
    ("V013", {"通道": "某线"}, {"通道": "朔黄"}),
    ("V021", {"运量吨": "１２００"}, {"运量吨": "1200"}),
    ("V021", {"方向": "发 运"}, {"方向": "发运"}),
    ("V022", {"月份": "2025/3"}, {"月份": "2025-03"}),
    ("V023", {"运输方式": "火车"}, {"运输方式": "铁路"}),
    ("V024", {"运量吨": "12,345.5"}, {"运量吨": "12345.5"}),
    ("V025", {"运量吨": "1200 吨"}, {"运量吨": "1200"}),
    ("V025", {"运距公里": "650.5km"}, {"运距公里": "650.5"}),
    ("V026", {"运量吨": "0.12万吨"}, {"运量吨": "1200吨"}),
    ("I001", {"统一社会信用代码": ""}, {"统一社会信用代码": MINE}),
    ("I002", {"统一社会信用代码": "9.114E+17"}, {"统一社会信用代码": MINE}),
    ("I002", {"统一社会信用代码": "911409007340123000"}, {"统一社会信用代码": MINE}),
    ("I003", {"统一社会信用代码": MINE[:-1] + "5"}, {"统一社会信用代码": MINE}),
    ("I003", {"统一社会信用代码": MINE[:-1]}, {"统一社会信用代码": MINE.lower()}),
    ("I004", {"统一社会信用代码": "91350100M000100Y43"}, {"统一社会信用代码": MINE}),
    ("I005", {"统一社会信用代码": GROUP}, {"统一社会信用代码": GROUP, "填报单位编码": "GROUP-1"}),
    ("I006", {"填报单位编码": "GROUP-1"}, {"填报单位编码": MINE}),
    ("I007", {"企业名称": "另一家煤业有限公司"}, {"企业名称": MINE_NAME}),
    ("I008", {"企业名称": ""}, {"企业名称": f" {MINE_NAME} "}),
    ("C001", {**DRAYAGE, "运输方式": "铁路"}, DRAYAGE),
    ("C001", {**DRAYAGE, "运输方式": "水路"}, {**DRAYAGE, "运输方式": "皮带廊道", "运距公里": "25"}),
    ("C002", {**DRAYAGE, "换装站": ""}, DRAYAGE),
    ("C002", {**DRAYAGE, "换装站": "村口"}, {**DRAYAGE, "换装站": PARK_NAME}),
    ("C003", {**DRAYAGE, "运距公里": "50.001"}, {**DRAYAGE, "运距公里": "50"}),
    ("C008", {"备注": "零申报"}, {"备注": "零申报", "运量吨": "0"}),
    ("C010", {"起点": "石家庄", "终点": "忻州站", "运距公里": "388.3"},
     {"起点": "石家庄", "终点": "忻州站", "运距公里": "388.20"}),
    ("C011", {"通道": "", "起点": "甲地", "终点": "乙地"}, {"通道": "", "起点": "原平", "终点": "乙地"}),
    ("C011", {"通道": "其他"}, {"通道": "", "起点": "忻州", "终点": "石家庄", "运距公里": ""}),
    ("C012", {"运输方式": "皮带廊道", "运距公里": "25.001"}, {"运输方式": "皮带廊道", "运距公里": "25"}),
]  # fmt: skip


@pytest.mark.parametrize("code, wrong, allowed", CELL_CASES)
def test_a_rule_on_cells(tmp_path, code, wrong, allowed):
    broken = check(tmp_path, text_of(good(**wrong)))
    assert broken.totals.get(code) == 1
    assert code not in codes(check(tmp_path, text_of(good(**allowed))))
    (found,) = [finding for finding in broken.findings if finding.code == code]
    assert found.row == 2
    assert found.column in HEADERS
    assert found.severity == BY_CODE[code].severity
    assert broken.accepted == (not any(f.severity == "强制" for f in broken.findings))


def workbook(*sheets: tuple[str, list[list[object]]], change=None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def table(*rows: dict[str, str]) -> list[list[object]]:
    cells: list[list[object]] = [[row.get(header) for header in HEADERS] for row in rows]
    return [list(HEADERS), *cells]


def hide_row(book):
    book["月报"].row_dimensions[2].hidden = True


def hide_column(letter):
    def change(book):
        book["月报"].column_dimensions[letter].hidden = True

    return change


def hide_sheet(book):
    book["旧表"].sheet_state = "hidden"


def merge_tonnes(book):
    column = HEADERS.index("运量吨") + 1
    book["月报"].merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)


TWO = table(good(), good(货类="焦炭"))
FLOWS_OF_NO_MONTH = [row[1:] for row in TWO]
NO_TONNES = [header for header in HEADERS if header != "运量吨"]
SUM = {"月份": "合计", "运量吨": "2401"}


def encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600)


def xls(*rows: dict[str, str]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("月报")
    for number, row in enumerate(table(*(rows or (good(),)))):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell or "")
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


# A rule on the file: code, content that breaks it, content that just does not.
FILE_CASES = [
    ("S001", b"", text_of(good())),
    ("S003", b"%PDF-1.7 ...", text_of(good())),
    ("S004", encrypted(), xls()),
    ("S005", workbook(("月报", TWO))[:3000], workbook(("月报", TWO))),
    ("S006", text_of(good()).encode() + b"\xff\n", text_of(good()).encode()),
    ("S007", text_of(good(备注="长" * 100_001)) + "\n" + text_of(good()), text_of(good(备注="长" * 100_000))),
    ("S008", ",".join([*HEADERS, *["x"] * 481]) + "\n", ",".join([*HEADERS, *["x"] * 480]) + "\n"),
    ("S010", text_of(good()).encode("gb18030"), text_of(good()).encode("utf-8-sig")),
    ("S101", text_of(good(), headers=NO_TONNES), text_of(good(), headers=list(good()))),
    ("S102", workbook(("月报", TWO), change=hide_row), workbook(("月报", TWO))),
    ("S103", workbook(("月报", TWO), ("旧表", TWO), change=hide_sheet), workbook(("月报", TWO))),
    ("S104", workbook(("说明", [["填表说明"]]), ("月报", TWO)), workbook(("说明", []), ("月报", TWO))),
    ("S105", workbook(("月报", TWO), ("二月", TWO)), workbook(("月报", TWO), ("二月", [["x", "y"]]))),
    ("S106", workbook(("月报", TWO), change=merge_tonnes), workbook(("月报", TWO))),
    ("S107", text_of(good())[:-1] + ",多\n", text_of(good())[:-1] + ",\n"),
    ("S108", text_of(good(), headers=[*HEADERS, "天气"]), text_of(good())),
    ("S109", text_of(good(), headers=[*HEADERS, "运量吨"]), text_of(good())),
    ("S110", text_of(good()).replace("运量吨", "运量（吨）"), text_of(good()).replace("运量吨", " 运量吨 ")),
    ("S111", text_of(), text_of(ZERO)),
    ("S112", text_of(good(运量万吨="0.12"), headers=[*NO_TONNES, "运量万吨"]), text_of(good())),
    ("S113", text_of(good(), {"月份": "填表人：张三"}), text_of(good(), ZERO)),
    ("S117", workbook(("2025年3月", FLOWS_OF_NO_MONTH)),
     workbook(("2025年3月", [["月份：", "2025-03"], *FLOWS_OF_NO_MONTH]))),
    ("S118", workbook(("月报", [["单位：万吨"], *TWO])), workbook(("月报", [["单位：吨、万元"], *TWO]))),
    ("S119", text_of(good(), dict(zip(HEADERS, HEADERS, strict=True))),
     text_of(good(), dict(zip(HEADERS[:-1], HEADERS[:-1], strict=True)))),
    ("S122", workbook(("月报", TWO), change=hide_column("P")), workbook(("月报", TWO), change=hide_column("Z"))),
    ("S116", "姓名,年纪\n张三,20\n", text_of(good())),
    # A column that every table has makes no return of it.
    ("S116", "姓名,备注\n张三,无\n", text_of(good())),
    ("C005", text_of(good(), good(运量吨="1200.500")), text_of(good(), good(运量吨="1200.501"))),
    ("C006", text_of(good(), {"货类": "小 计"}), text_of(good(), good(备注="合计见附表"))),
    ("C007", text_of(good(), good(货类="焦炭"), {**SUM, "运量吨": "2400.999"}),
     text_of(good(), good(货类="焦炭"), SUM)),
    ("C009", text_of(good(), ZERO), text_of(good(), {**ZERO, "月份": "2025-04"})),
]  # fmt: skip


@pytest.mark.parametrize("code, wrong, allowed", FILE_CASES, ids=[case[0] for case in FILE_CASES])
def test_a_rule_on_the_file(tmp_path, code, wrong, allowed):
    broken = check(tmp_path, wrong)
    assert code in codes(broken)
    assert broken.accepted == (not any(f.severity == "强制" for f in broken.findings))
    assert code not in codes(check(tmp_path, allowed))


def test_a_file_beyond_the_size_is_refused(tmp_path, monkeypatch):
    """S002: the bound itself passes, a byte more does not."""
    content = text_of(good())
    monkeypatch.setattr(receive, "MAX_TEXT", len(content.encode()) - 1)
    assert codes(check(tmp_path, content)) == {"S002"}
    monkeypatch.setattr(receive, "MAX_TEXT", len(content.encode()))
    assert codes(check(tmp_path, content)) == set()


def test_what_unpacks_beyond_the_size_is_refused(tmp_path, monkeypatch):
    packed = gzip.compress(text_of(good()).encode())
    assert codes(check(tmp_path, packed)) == set()
    monkeypatch.setattr(receive, "MAX_TEXT", len(packed))
    assert codes(check(tmp_path, packed)) == {"S002"}
    monkeypatch.setattr(receive, "MAX_TEXT", 2**20)
    monkeypatch.setattr(spreadsheet, "MAX_UNPACKED", 2000)
    assert codes(check(tmp_path, workbook(("月报", TWO)))) == {"S002"}


def test_a_sheet_that_reaches_beyond_the_cells_is_refused(tmp_path, monkeypatch):
    """S002: before anything is laid out in memory; the bound itself passes."""
    for book, name in ((workbook(("月报", TWO)), "月.xlsx"), (xls(good(), good(货类="焦炭")), "月.xls")):
        monkeypatch.setattr(spreadsheet, "MAX_CELLS", 3 * len(HEADERS) - 1)
        (found,) = check(tmp_path, book, name).findings
        assert (found.code, found.value) == ("S002", f"3行{len(HEADERS)}列")
        monkeypatch.setattr(spreadsheet, "MAX_CELLS", 3 * len(HEADERS))
        assert codes(check(tmp_path, book, name)) == set()


def test_only_the_own_unit_and_the_asked_month(tmp_path):
    """I009, C004: asked only where the caller knows whose return it is and for which month."""
    content = text_of(good())
    assert codes(check(tmp_path, content, own_units=frozenset({"GROUP-1"}))) == {"I009"}
    assert codes(check(tmp_path, content, own_units=frozenset({MINE}))) == set()
    assert codes(check(tmp_path, content, expected_month=date(2025, 4, 1))) == {"C004"}
    assert codes(check(tmp_path, content, expected_month=date(2025, 3, 1))) == set()


def test_rules_on_the_layout(tmp_path):
    """S114, S120, S121: a layout that leaves rows out, names a column that is not there, is no layout."""
    columns = "".join(f'"{header}" = "{header}"\n' for header in good())
    some = read_mapping(f'[columns]\n{columns}[where]\n"货类" = ["煤炭"]\n')
    left_out = check(tmp_path, text_of(good(), good(货类="焦炭")), mapping=some)
    assert (codes(left_out), left_out.rows) == ({"S114"}, 1)
    assert codes(check(tmp_path, text_of(good()), mapping=some)) == set()
    absent = read_mapping('[columns]\n"运量吨" = "吨"\n')
    assert codes(check(tmp_path, text_of(good()), mapping=absent)) == {"S120"}
    with pytest.raises(receive.Refusal) as refused:
        read_mapping("[column]\n")
    assert refused.value.finding.code == "S121"


def test_a_check_that_runs_out_of_memory_says_so(tmp_path, monkeypatch):
    """S009: the limits stopped it, which is no fault."""

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(check_module, "open_table", exhausted)
    assert codes(check(tmp_path, text_of(good()))) == {"S009"}


YEAR = level("2024-03", 12, 铁路=1000)
ROAD_TOO = level("2024-03", 12, 铁路=1000, 公路=1000)
RAIL_1000 = good(运量吨="1000")
# A rule on what is likely: code, the unit's past, the rows that break it, the rows that just do not.
PAST_CASES = [
    # A thousand times the same flow of a year ago, or of the newest month if there was none; not of another flow.
    ("H001", history({("2024-03", "铁路"): "1.2"}), [good(运量吨="1200")], [good(运量吨="1199.999")]),
    ("H001", history({("2025-01", "铁路"): "1", ("2025-02", "铁路"): "1.2"}), [good(运量吨="1200")],
     [good(运量吨="1199.999"), good(运量吨="1200", 货类="焦炭"), good(运量吨="1200", 方向="到达")]),
    ("H001", history({("2024-03", "铁路"): "1.2", ("2025-02", "铁路"): "9"}), [good(运量吨="1200")],
     [good(运量吨="1199")]),
    ("H002", history({("2024-03", "铁路"): "1200"}), [good(运量吨="1.2")], [good(运量吨="1.201")]),
    # A written 0 is no slip, and what lies more than a year back is no reference.
    ("H002", history({("2024-03", "铁路"): "1200"}), [good(运量吨="0.5"), good(运量吨="0.7")], [good(运量吨="0")]),
    ("H002", history({("2024-03", "铁路"): "1200"}), [good(运量吨="1")], [good(运量吨="1", 月份="2025-04")]),
    # A year of months alike: six times a twentieth of 1000 t is allowed.
    ("H003", YEAR, [good(运量吨="1300.001")], [good(运量吨="1300")]),
    ("H003", YEAR, [good(运量吨="700"), good(运量吨="600.001", 方向="到达")],
     [good(运量吨="700"), good(运量吨="600", 方向="到达")]),
    ("H004", YEAR, [good(运量吨="699.999")], [good(运量吨="700")]),
    ("H005", ROAD_TOO, [RAIL_1000], [RAIL_1000, good(运输方式="公路", 运量吨="700")]),
    ("H005", YEAR, [ZERO], [ZERO | {"月份": "2024-03"}]),
    # 1.2万吨 a year is 1000 t a month, and a fifth more in a good one; both directions use the line.
    ("P001", spur("1.2"), [good(运量吨="1200.001")], [good(运量吨="1200")]),
    ("P001", spur("1.2"), [good(运量吨="600"), good(运量吨="600.001", 方向="到达")],
     [good(运量吨="1200"), good(运量吨="9000", 运输方式="公路")]),
    ("P001", spur("1.2", "1.2"), [good(运量吨="2400.001")], [good(运量吨="2400")]),
    # What is drayed to 原平 against what leaves 原平 by rail: 5 % more or less.
    ("P002", None, [RAIL_1000, good(**DRAYAGE, 运量吨="1050.001")], [RAIL_1000, good(**DRAYAGE, 运量吨="1050")]),
    ("P002", None, [RAIL_1000, good(**DRAYAGE, 运量吨="949.999")], [RAIL_1000, good(**DRAYAGE, 运量吨="950")]),
    # No rail of one's own from there: the station's operator dispatches.
    ("P002", None, [RAIL_1000, good(**DRAYAGE, 运量吨="2")],
     [good(运量吨="1000", 起点="宁武西"), good(**DRAYAGE, 运量吨="2")]),
]  # fmt: skip


@pytest.mark.parametrize("code, past, wrong, allowed", PAST_CASES)
def test_a_rule_on_what_is_likely(
    tmp_path, code: str, past: History | None, wrong: list[dict], allowed: list[dict]
):
    broken = check(tmp_path, text_of(*wrong), past=past)
    assert broken.totals == {code: 1}
    assert broken.accepted
    (found,) = broken.findings
    assert (found.severity, found.column in HEADERS) == ("核实", True)
    assert codes(check(tmp_path, text_of(*allowed), past=past)) == set()
    if past is not None:
        assert codes(check(tmp_path, text_of(*wrong))) == set()


ELSEWHERE = {"S002", "S009", "S011", "S114", "S120", "S121", "I009", "C004"}


def test_every_rule_of_the_catalogue_is_tested():
    cases = (*CELL_CASES, *FILE_CASES, *PAST_CASES)
    tested = {case[0] for case in cases} | ELSEWHERE
    assert tested == {rule.code for rule in RULES}
    assert len(BY_CODE) == len(RULES)


def test_a_good_row_has_no_finding(tmp_path):
    checked = check(tmp_path, text_of(good(), good(**DRAYAGE), ZERO | {"月份": "2025-04"}))
    assert checked.findings == ()
    assert checked.accepted


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_what_a_rule_says_is_for_a_clerk(rule):
    """A sentence that says what is wrong, one that says what to do; no word of ours in either."""
    assert rule.what.endswith("。")
    assert rule.do.endswith("。")
    assert any(word in rule.do for word in ("请", "无须"))
    assert not any(word in rule.what + rule.do for word in ("SQL", "None", "NULL", "解析", "非法", "字段"))


def test_lists_are_capped_and_say_so(tmp_path):
    checked = check(tmp_path, text_of(*[good(运量吨="x", 备注=str(n)) for n in range(205)]))
    listed = [finding for finding in checked.findings if finding.code == "V006"]
    assert checked.totals == {"V006": 205}
    assert len(listed) == result.LISTED_PER_CODE == 200
    assert "共205处" in listed[-1].message
    assert checked.to_json()["capped"] == {"V006": 200}


# What only a file can tell stands in a message as a phrase of its own; in general it has none.
MADE_OF_FINDINGS = ("H001", "H002", "H003", "H004", "H005", "P001", "P002", "S002", "S003", "S101", "S118")


@pytest.mark.parametrize("code", MADE_OF_FINDINGS)
def test_a_message_made_of_what_was_found_has_words_in_general(code):
    what, remedy = in_general(BY_CODE[code], "此处")
    assert "…" not in what + remedy
    assert "{" not in what + remedy
    assert what.endswith("。")
    assert remedy.endswith("。")


@pytest.mark.parametrize(
    "code, limit", [("H001", "1000倍"), ("H002", "1000分之一"), ("P001", "1.2倍"), ("P002", "5%")]
)
def test_the_general_words_name_the_limit_that_is_checked(code, limit):
    assert limit in in_general(BY_CODE[code], "此处")[0]
