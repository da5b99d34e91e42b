"""The tables that staff import: every header, kind of value and refusal of the contracts."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from etl.intake import imports
from etl.intake.contracts import CONTRACTS
from etl.intake.imports import IMPORT_RULES, RULE, read_contract, read_rows
from etl.reference import load_declared

DATA = Path(__file__).parents[2] / "data"
CODE = "91140902MA0TE5T164"

REGISTRY = {
    "统一社会信用代码": CODE,
    "企业名称": "示例矿",
    "县区代码": "140925",
    "单位类型": "工矿企业",
    "大型": "是",
}
SPURS = {
    "专用线编号": "Z1", "专用线名称": "示例线", "状态": "开通", "开通日期": "2020-05-01", "使用单位": CODE,
    "使用关系": "自有",
}  # fmt: skip
OFFICIAL = {
    "月份": "2025-03", "方式": "铁路", "对象类型": "全市", "对象": "全市", "货类": "合计",
    "数值万吨": "1664.07", "口径": "发送", "状态": "快报", "来源": "快报", "发布日期": "2025-04-05",
}  # fmt: skip
TARGETS = {
    "年份": "2025", "指标": "K1", "对象类型": "通道", "对象": "朔黄", "目标值": "6700", "单位": "万吨",
}  # fmt: skip
EVENTS = {"日期": "2025-03-01", "对象类型": "通道", "对象": "朔黄", "说明": "线路检修"}
PROJECTS = {"项目": "示例改扩建", "县区": "宁武县", "年大宗量万吨": "260"}
STATION_LIST = {
    "月份": "2025-03",
    "车站": "原平",
    "托运人": CODE,
    "货类": "煤炭",
    "方向": "发运",
    "运量吨": "1200.5",
}
TASKS = {"任务编号": "RW01", "措施": "（五）", "任务": "接轨方案", "责任单位": "市交通运输局"}
PROBLEMS = {
    "问题编号": "WT01",
    "措施": "（五）",
    "问题": "用地未办结",
    "责任单位": "市交通运输局",
    "提出日期": "2025-03-01",
}
COMMITMENTS = {
    "单位": CODE,
    "承诺措施": "公转铁",
    "承诺运量吨": "60000",
    "承诺日期": "2025-01-20",
    "兑现期限": "2025-12-31",
}
BILLS = {"月份": "2025-03", "运营主体": "示例联运公司", "运单票数": "12", "箱数": "480"}
CONTACTS = {"单位": CODE, "联系人": "示例", "邮箱": "a.b@example.invalid"}
SMALLEST = {
    "registry": REGISTRY, "spurs": SPURS, "official": OFFICIAL, "targets": TARGETS, "events": EVENTS,
    "projects": PROJECTS, "station_list": STATION_LIST, "tasks": TASKS, "problems": PROBLEMS,
    "commitments": COMMITMENTS, "bills": BILLS, "contacts": CONTACTS,
}  # fmt: skip


@pytest.fixture(scope="module")
def declared():
    return load_declared(DATA)


@pytest.fixture
def read(tmp_path, declared):
    """Write rows of cells under our headers (those of the first row) and read them as a contract."""

    def read(contract, *rows, declared=declared, label=None):
        path = tmp_path / "表.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            if label:
                stream.write(label + "\n")
            writer = csv.writer(stream)
            writer.writerow(rows[0])
            writer.writerows([row.get(header, "") for header in rows[0]] for row in rows)
        return read_contract(path, contract, declared)

    return read


def only(findings, code):
    """The single finding there is, which must be of this code."""
    assert [finding.code for finding in findings] == [code]
    return findings[0]


# ------------------------------------------------------------------------------------------- contracts


def test_codes_are_unique_and_every_finding_says_what_to_do():
    assert len(RULE) == len(IMPORT_RULES)
    assert all(rule.what and rule.do for rule in IMPORT_RULES)


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_required_columns_are_enough(read, name):
    rows, findings = read(name, SMALLEST[name])
    assert findings == []
    assert set(rows[0]) == {column.field for column in CONTRACTS[name].columns}


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_demonstration_set_is_read_without_a_finding(name):
    declared = load_declared(DATA, DATA / "sample")
    rows, findings = read_contract(DATA / "sample" / f"{name}.csv", name, declared)
    assert findings == []
    assert len(rows) > 1


DEFAULTS = {
    "registry": {
        "unit_code": CODE, "is_new": "否", "in_catalogue": "", "period_basis": "自然月",
        "production_state": "正常", "due_from": "", "valid_from": "", "approved_tonnes": "",
    },
    "spurs": {"kind": "专用线", "owner": "", "junction": "", "corridor": "", "capacity": "", "use_from": ""},
    "official": {"period_kind": "当期", "operator": "", "is_public": "否"},
    "targets": {"responsible": "", "basis": ""},
    "projects": {
        "approval_no": "", "approved_modes": "", "actual_modes": "", "exception_basis": "", "stage": "",
    },
    "tasks": {"node": "", "due_on": "", "supporting": "", "progress": "", "state": "推进中", "note": ""},
    "problems": {"task_code": "", "county_code": "", "state": "未销号", "closed_on": "", "closing_basis": ""},
    "contacts": {"is_active": "是"},
}  # fmt: skip


@pytest.mark.parametrize("name", DEFAULTS)
def test_what_stands_for_an_absent_or_empty_optional_column(read, name):
    fields = {column.field: column.header for column in CONTRACTS[name].columns}
    blank = SMALLEST[name] | dict.fromkeys((fields[field] for field in DEFAULTS[name]), "")
    for row in (SMALLEST[name], blank):
        rows, findings = read(name, row)
        assert findings == []
        assert {field: rows[0][field] for field in DEFAULTS[name]} == DEFAULTS[name]


# ------------------------------------------------------------------------------------------- the table


@pytest.mark.parametrize(
    "name, header",
    [(name, column.header) for name, c in CONTRACTS.items() for column in c.columns if column.required],
)
def test_a_missing_required_column_and_an_empty_cell_refuse_the_file(read, name, header):
    whole = SMALLEST[name]
    rows, findings = read(name, {key: value for key, value in whole.items() if key != header})
    assert rows == []
    missing = [finding for finding in findings if finding.code == "T001"]
    assert [(f.column, f.row, f.severity, f.message) for f in missing] == [
        (header, 1, "强制", f"缺少“{header}”列。")
    ]
    if (name, header) == ("official", "对象"):
        return
    rows, findings = read(name, whole | {header: " "})
    empty = only(findings, "T005")
    assert rows == []
    assert (empty.row, empty.column, empty.remedy) == (2, header, f"请填写第2行“{header}”列。")


def test_an_unknown_column_is_named_and_not_read(read):
    rows, findings = read("events", EVENTS | {"记录人": "张三"})
    note = only(findings, "T003")
    assert (note.severity, note.column, note.message) == (
        "提示",
        "记录人",
        "“记录人”列不在约定之内，没有读取。",
    )
    assert len(rows) == 1


def test_a_repeated_column_is_refused(tmp_path, declared):
    path = tmp_path / "表.csv"
    path.write_text("日期,对象类型,对象,说明,说明\n2025-03-01,通道,朔黄,甲,乙\n", encoding="utf-8")
    rows, findings = read_contract(path, "events", declared)
    assert rows == []
    assert only(findings, "T002").column == "说明"


def test_a_table_without_rows_is_refused(tmp_path, declared):
    path = tmp_path / "表.csv"
    path.write_text("日期,对象类型,对象,说明\n", encoding="utf-8")
    assert only(read_contract(path, "events", declared)[1], "T004").severity == "强制"


def test_a_file_that_cannot_be_read_is_a_finding_and_no_rows(tmp_path, declared):
    path = tmp_path / "表.xlsx"
    path.write_bytes(b"%PDF-1.7")
    rows, findings = read_contract(path, "events", declared)
    assert rows == []
    assert [finding.severity for finding in findings] == ["强制"]


def test_a_contract_that_does_not_exist_is_a_fault(tmp_path, declared):
    with pytest.raises(KeyError):
        read_contract(tmp_path / "表.csv", "surprise", declared)


def test_rows_are_numbered_as_excel_shows_them(read):
    bad = EVENTS | {"日期": "三月一日"}
    findings = read("events", EVENTS, bad, label="# 演示数据")[1]
    assert only(findings, "T010").row == 4


def test_one_wrong_cell_refuses_the_file_and_every_wrong_cell_is_named(read):
    bad = OFFICIAL | {"月份": "2025.1", "数值万吨": "1e3"}
    rows, findings = read("official", OFFICIAL, bad)
    assert rows == []
    assert [(f.code, f.row, f.column, f.value) for f in findings] == [
        ("T009", 3, "月份", "2025.1"),
        ("T007", 3, "数值万吨", "1e3"),
    ]


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_same_key_twice_is_refused(read, name):
    rows, findings = read(name, SMALLEST[name], SMALLEST[name])
    double = only(findings, "T015")
    assert rows == []
    assert double.row == 3
    assert "第3行与第2行重复" in double.message


def test_rows_of_totals_are_left_out_and_said(read):
    total = dict.fromkeys(REGISTRY, "") | {"统一社会信用代码": "合计", "核定年货运量吨": "100"}
    rows, findings = read("registry", REGISTRY | {"核定年货运量吨": "100"}, total)
    assert len(rows) == 1
    assert (only(findings, "T020").severity, findings[0].row) == ("提示", 3)


def test_long_lists_are_capped_and_say_so(read):
    many = [EVENTS | {"日期": f"第{number}天"} for number in range(imports.LISTED_PER_CODE + 5)]
    findings = read("events", *many)[1]
    assert [finding.code for finding in findings] == ["T010"] * imports.LISTED_PER_CODE + ["T019"]
    assert findings[-1].message == "T010类问题共105处，只列出前100处。"


# ------------------------------------------------------------------------------------------- the values

READ_OTHERWISE = [
    ("official", "月份", "2025年3月", "month", "2025-03"),
    ("official", "月份", "2025/3", "month", "2025-03"),
    ("official", "月份", "202503", "month", "2025-03"),
    ("official", "数值万吨", "1,664.07", "value", "1664.07"),
    ("official", "数值万吨", "１６６４．０７", "value", "1664.07"),
    ("official", "发布日期", "2025/4/5", "published_on", "2025-04-05"),
    ("official", "发布日期", "2025年4月5日", "published_on", "2025-04-05"),
    ("official", "发布日期", "2025-04-05 00:00:00", "published_on", "2025-04-05"),
    ("official", "状态", "速报", "status", "快报"),
    ("official", "状态", "确报", "status", "月报确报"),
    ("official", "方式", "火车", "mode", "铁路"),
    ("official", "货类", "原煤", "commodity", "煤炭"),
    ("official", "对象", "忻州市", "object", "全市"),
    ("registry", "统一社会信用代码", CODE.lower(), "uscc", CODE),
    ("registry", "报告期", "26-25日", "period_basis", "26—25日"),
    ("spurs", "接轨站", "原平站", "junction", "原平"),
    ("spurs", "通道", "京原线", "corridor", "京原"),
]


@pytest.mark.parametrize("name, header, cell, field, value", READ_OTHERWISE)
def test_what_is_understood_otherwise_than_written_is_said(read, name, header, cell, field, value):
    rows, findings = read(name, SMALLEST[name] | {header: cell})
    note = only(findings, "T018")
    assert rows[0][field] == value
    assert (note.severity, note.row, note.column, note.value) == ("提示", 2, header, cell)


TAKEN = [
    ("official", {"状态": "年报核定"}, {"status": "年报核定"}),
    ("official", {"期别": "累计", "公开": "是"}, {"period_kind": "累计", "is_public": "是"}),
    ("official", {"数值万吨": "0"}, {"value": "0"}),
    ("official", {"数值万吨": "1664.0700"}, {"value": "1664.07"}),
    ("official", {"口径": "发送+接运"}, {"caliber": "发送＋接运"}),
    ("official", {"对象": ""}, {"object": "全市"}),
    ("official", {"对象类型": "县区", "对象": "140931"}, {"object": "140931"}),
    ("official", {"对象类型": "县区", "对象": "保德县"}, {"object": "140931"}),
    ("official", {"对象类型": "车站", "对象": "原平"}, {"object": "原平"}),
    ("registry", {"县区代码": "宁武县"}, {"county_code": "140925"}),
    ("registry", {"填报单位编码": "矿-02"}, {"unit_code": "矿-02", "uscc": CODE}),
    ("registry", {"核定年货运量吨": "1500000.125"}, {"approved_tonnes": "1500000.125"}),
    ("spurs", {"使用单位": "矿-02"}, {"user_code": "矿-02"}),
    ("targets", {"指标": "K3", "目标值": "80", "单位": "%"}, {"value": "0.80", "unit": "比例"}),
    ("targets", {"指标": "K3", "目标值": "100", "单位": "%"}, {"value": "1.00", "unit": "比例"}),
    ("targets", {"指标": "K3", "目标值": "0.8", "单位": "比例"}, {"value": "0.8", "unit": "比例"}),
    ("targets", {"对象类型": "企业", "对象": CODE}, {"object": CODE}),
    ("events", {"对象类型": "企业", "对象": "示例矿"}, {"object": "示例矿"}),
    ("events", {"对象类型": "全市", "对象": ""}, {"object": "全市"}),
]


@pytest.mark.parametrize("name, cells, wanted", TAKEN)
def test_what_is_taken_as_it_is(read, name, cells, wanted):
    rows, findings = read(name, SMALLEST[name] | cells)
    assert findings == []
    assert wanted.items() <= rows[0].items()


NOT_TAKEN = [
    ("registry", "统一社会信用代码", CODE[:-1] + "5", "T011"),
    ("registry", "统一社会信用代码", "9.11409E+17", "T012"),
    ("registry", "县区代码", "140901", "T013"),
    ("registry", "单位类型", "码头", "T006"),
    ("registry", "大型", "Y", "T006"),
    ("registry", "核定年货运量吨", "-1", "T008"),
    ("registry", "核定年货运量吨", "1.0001", "T008"),
    ("registry", "核定年货运量吨", "150万", "T007"),
    ("registry", "应报起", "2025-13", "T009"),
    ("registry", "生效日期", "2025-02-30", "T010"),
    ("registry", "企业名称", "#N/A", "T014"),
    ("registry", "企业名称", "甲\x07矿", "T021"),
    ("spurs", "接轨站", "没有的站", "T013"),
    ("spurs", "通道", "没有的线", "T013"),
    ("spurs", "状态", "运营", "T006"),
    ("spurs", "使用单位", CODE[:-1] + "5", "T011"),
    ("spurs", "使用单位", "9.11E+17", "T012"),
    ("spurs", "能力万吨年", "1_000", "T007"),
    ("official", "方式", "皮带廊道", "T006"),
    ("official", "货类", "黄金", "T013"),
    ("official", "月份", "2023.1", "T009"),
    ("official", "发布日期", "2025.4.5", "T010"),
    ("official", "数值万吨", "0.0000001", "T008"),
    ("official", "状态", "终报", "T006"),
    ("official", "对象", "太原市", "T006"),
    ("targets", "年份", "25", "T006"),
    ("targets", "指标", "K9", "T006"),
    ("targets", "单位", "%", "T006"),
    ("targets", "单位", "吨", "T006"),
    ("events", "对象", "没有的线", "T013"),
]


@pytest.mark.parametrize("name, header, cell, code", NOT_TAKEN)
def test_what_is_refused(read, name, header, cell, code):
    rows, findings = read(name, SMALLEST[name] | {header: cell})
    wrong = only(findings, code)
    assert rows == []
    assert (wrong.severity, wrong.row, wrong.column, wrong.value) == ("强制", 2, header, cell)
    assert f"第2行“{header}”列" in wrong.message


ACROSS = [
    ("registry", {"应报起": "2025-03", "应报止": "2025-02"}, "T016", "应报止"),
    ("spurs", {"使用起": "2025-03-02", "使用止": "2025-03-01"}, "T016", "使用止"),
    ("targets", {"指标": "K3"}, "T006", "单位"),
    ("targets", {"指标": "K3", "目标值": "100.0001", "单位": "%"}, "T008", "目标值"),
    ("targets", {"指标": "K3", "目标值": "1.000001", "单位": "比例"}, "T008", "目标值"),
    ("targets", {"指标": "K3", "目标值": "80.00001", "单位": "%"}, "T008", "目标值"),
]


@pytest.mark.parametrize("name, cells, code, header", ACROSS)
def test_what_is_refused_across_a_row(read, name, cells, code, header):
    rows, findings = read(name, SMALLEST[name] | cells)
    wrong = only(findings, code)
    assert rows == []
    assert (wrong.severity, wrong.column) == ("强制", header)


@pytest.mark.parametrize(
    "name, cells",
    [
        ("registry", {"应报起": "2025-03", "应报止": "2025-03"}),
        ("spurs", {"使用起": "2025-03-01", "使用止": "2025-03-01"}),
        ("targets", {"指标": "K3", "目标值": "80.0001", "单位": "%"}),
    ],
)
def test_the_bounds_themselves_are_taken(read, name, cells):
    assert len(read(name, SMALLEST[name] | cells)[0]) == 1


def test_an_open_spur_without_its_day_needs_an_explanation_and_is_taken(read):
    rows, findings = read("spurs", SPURS | {"开通日期": ""})
    assert only(findings, "T017").severity == "核实"
    assert len(rows) == 1


def test_a_spur_that_is_being_built_needs_no_day(read):
    assert read("spurs", SPURS | {"状态": "在建", "开通日期": ""})[1] == []


def test_the_code_is_only_checked_where_units_are_named_by_it(read, declared):
    elsewhere = replace(declared, plan=replace(declared.plan, unit_key="any"))
    rows, findings = read("registry", REGISTRY | {"统一社会信用代码": "MINE 7"}, declared=elsewhere)
    assert findings == []
    assert (rows[0]["uscc"], rows[0]["unit_code"]) == ("MINE 7", "MINE 7")


def test_several_units_under_one_code_and_several_states_of_one(read):
    states = [
        REGISTRY | {"填报单位编码": "一矿", "生效日期": ""},
        REGISTRY | {"填报单位编码": "二矿", "生效日期": ""},
        REGISTRY | {"填报单位编码": "一矿", "生效日期": "2025-01-01"},
    ]
    rows, findings = read("registry", *states)
    assert findings == []
    assert [(row["unit_code"], row["valid_from"]) for row in rows] == [
        ("一矿", ""), ("二矿", ""), ("一矿", "2025-01-01"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------- 台账


@pytest.mark.parametrize("written", ["（五）", "(五)", "五", "5"])
def test_a_measure_of_the_plan_is_named_by_its_clause(read, written):
    rows, _ = read("tasks", TASKS | {"措施": written})
    assert rows[0]["measure"] == "（五）"


@pytest.mark.parametrize("written", ["（二）", "18", "五项"])
def test_what_is_no_measure_is_refused(read, written):
    assert only(read("tasks", TASKS | {"措施": written})[1], "T006").remedy.endswith("（十六）、（十七）。")


@pytest.mark.parametrize(
    "written, kept",
    [("铁路", "铁路"), ("铁路，皮带", "铁路、皮带廊道"), ("皮带廊道/铁路;铁路", "皮带廊道、铁路")],
)
def test_several_modes_stand_in_one_cell(read, written, kept):
    rows, findings = read("projects", PROJECTS | {"批复运输方式": written})
    assert rows[0]["approved_modes"] == kept
    assert {finding.code for finding in findings} <= {"T018"}
    assert only(read("projects", PROJECTS | {"批复运输方式": "铁路、飞毯"})[1], "T006").value == "铁路、飞毯"


def test_a_project_by_road_is_asked_for_its_basis(read):
    by_road = PROJECTS | {"批复运输方式": "铁路", "实际方式": "公路", "例外依据": ""}
    rows, findings = read("projects", by_road)
    asked = only(findings, "T022")
    assert (asked.severity, asked.column, len(rows)) == ("核实", "例外依据", 1)
    assert read("projects", by_road | {"例外依据": "批复同意"})[1] == []
    assert read("projects", by_road | {"实际方式": "铁路"})[1] == []


@pytest.mark.parametrize(
    "name, change, code",
    [
        ("tasks", {"进度": "100.5"}, "T008"),
        ("tasks", {"进度": "大半"}, "T007"),
        ("problems", {"状态": "已销号", "销号日期": "2025-04-01", "销号依据": ""}, "T023"),
        ("problems", {"状态": "已销号", "销号日期": "", "销号依据": "批复"}, "T023"),
        ("problems", {"状态": "未销号", "销号日期": "2025-04-01"}, "T023"),
        ("problems", {"整改时限": "2025-02-28"}, "T016"),
        ("commitments", {"兑现期限": "2025-01-19"}, "T016"),
        ("bills", {"箱数": "1.5"}, "T008"),
        ("station_list", {"货类": "合计"}, "T013"),
        ("station_list", {"车站": "没有站"}, "T013"),
        ("contacts", {"邮箱": "a@b"}, "T006"),
        ("contacts", {"邮箱": "a@b.cn,c@d.cn"}, "T006"),
    ],
)
def test_what_a_row_of_the_registers_may_not_say(read, name, change, code):
    rows, findings = read(name, SMALLEST[name] | change)
    assert (rows, only(findings, code).severity) == ([], "强制")


def test_a_share_of_the_work_may_carry_its_sign(read):
    rows, _ = read("tasks", TASKS | {"进度": "62.5%"})
    assert rows[0]["progress"] == "62.5"


@pytest.mark.parametrize("name", CONTRACTS)
def test_typed_rows_are_read_as_those_of_a_file(read, declared, name):
    from_file, _ = read(name, SMALLEST[name])
    assert read_rows([SMALLEST[name]], name, declared) == (from_file, [])


def test_a_typed_row_that_is_wrong_is_named_by_its_place(declared):
    rows, findings = read_rows([EVENTS, EVENTS | {"日期": "昨天", "备": "x"}], "events", declared)
    assert rows == []
    assert [(f.code, f.row, f.column) for f in findings] == [("T003", 0, "备"), ("T010", 2, "日期")]


@pytest.mark.parametrize("text", ["=1+1", "+甲", "-乙", "@丙"])
def test_the_mark_of_an_export_before_a_formula_sign_is_taken_off(read, text):
    rows, _ = read("events", EVENTS | {"说明": f"'{text}"})
    assert rows[0]["note"] == text
    rows, _ = read("events", EVENTS | {"说明": "'甲'"})
    assert rows[0]["note"] == "'甲'"
