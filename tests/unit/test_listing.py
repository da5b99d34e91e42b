"""What the command line prints: JSON with decimals as strings, sentences, and CSV cells that run nothing."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal as D
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest
from oracle.drawn import drawn
from oracle.published import snapshot_of

from etl import listing
from etl.intake.finding import Finding, Refusal
from etl.plan import CITY, ENTERPRISE, Judgement, Light, Subject, Verdict
from etl.reference import DeclaredDataError
from etl.warehouse.snapshot import Snapshot

COMMON = [
    "id", "object_type", "object", "year", "through", "value", "unit", "numerator", "denominator", "target",
    "gap", "shiftable", "verdict", "interval", "reports_expected", "reports_received",
]  # fmt: skip


def judgement(indicator: str = "K2", object_type: str = CITY, **more: Any) -> Judgement:
    fields: dict[str, Any] = {
        "subject": Subject(indicator, object_type, "全市", 2025, 12), "value": F(2, 3), "unit": "share",
        "numerator": F(200), "denominator": F(300), "target": F(9, 10), "verdict": Verdict.MISSED,
        "light": Light.RED, "interval": (F(2, 3), F(2, 3)), "reports_expected": 12, "reports_received": 12,
        "gap": F(70), "gap_added": F(700), "shiftable": F(70),
    }  # fmt: skip
    return Judgement(**(fields | more))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (F(2, 3), "0.666666666666666666666667"),
        (F(9, 10), "0.9"),
        (F(0), "0"),
        (F(-86), "-86"),
        (F(1, 10**15), "0.000000000000001"),
        (F(10**15), "1000000000000000"),
        (D("16102.070000"), "16102.07"),
        (D("100"), "100"),
        (D("1E+3"), "1000"),
        (D("123456789012345.678"), "123456789012345.678"),
        (None, None),
    ],
)
def test_exact_numbers_as_text(value: F | D | None, text: str | None):
    """No exponent, no noughts at the end, and what does not end is cut far behind what anybody compares."""
    assert listing.plain(value) == text


def test_a_share_has_at_least_twelve_digits():
    """The first of the figures that design and command line agree on: 0.898053142574…"""
    entry = listing.judgement_json(judgement(value=F(898053142574123, 10**15)))
    assert entry["value"] == "0.898053142574123"
    thirds = listing.judgement_json(judgement(interval=(F(1, 3), F(2, 3))))["interval"]
    assert thirds == ["0.333333333333333333333333", "0.666666666666666666666667"]


def test_a_share_as_json():
    entry = listing.judgement_json(judgement(left_out=F(5)))
    assert list(entry)[: len(COMMON)] == COMMON
    assert set(entry) == {*COMMON, "gap_added", "left_out", "light"}
    assert (entry["id"], entry["object_type"], entry["object"], entry["unit"]) == (
        "K2",
        "全市",
        "全市",
        "比例",
    )
    assert (entry["gap"], entry["gap_added"], entry["shiftable"]) == ("70", "700", "70")
    assert (entry["verdict"], entry["light"], entry["target"]) == ("未达标", "红", "0.9")
    assert (entry["reports_expected"], entry["year"]) == (12, 2025)


def test_k1_as_json():
    entry = listing.judgement_json(
        judgement(
            "K1", unit="万吨", value=F("16102.07"), target=F(21584), gap=F("5481.93"), gap_pace=F("85.93"),
            caliber="发送", interval=(F("16102.07"), None), shiftable=None, gap_added=None,
        )
    )  # fmt: skip
    assert set(entry) == {*COMMON, "gap_pace", "caliber", "light"}
    assert (entry["value"], entry["unit"], entry["gap_pace"]) == ("16102.07", "万吨", "85.93")
    # A month is missing: how high it may be nobody knows.
    assert entry["interval"] == ["16102.07", None]


def test_k4_as_json():
    own = judgement("K4", ENTERPRISE, unit="吨", value=F(1500000), obliged=None, spur="在建", gap=None)
    entry = listing.judgement_json(own)
    assert set(entry) == {*COMMON, "obliged", "spur", "light"}
    assert (entry["value"], entry["obliged"], entry["spur"]) == ("1500000", None, "在建")
    city = listing.judgement_json(judgement("K4", unknown_units=("U1", "U2")))
    assert set(city) == {*COMMON, "unknown_units", "light"}
    assert city["unknown_units"] == ["U1", "U2"]


def test_nothing_is_null_rather_than_nought():
    nothing = judgement(
        value=None, verdict=Verdict.NO_TRAFFIC, interval=None, gap=None, gap_added=None, shiftable=None, light=None,
        numerator=F(0), denominator=F(0),
    )  # fmt: skip
    entry = listing.judgement_json(nothing)
    assert [entry[name] for name in ("value", "interval", "gap", "gap_added", "shiftable")] == [None] * 5
    assert (entry["denominator"], "light" in entry) == ("0", False)


def test_no_number_of_the_json_is_a_binary_float():
    text = json.dumps(listing.judgement_json(judgement(left_out=F(1, 3))), ensure_ascii=False)

    def refuse(number: str) -> None:
        raise AssertionError(number)

    assert json.loads(text, parse_float=refuse)["left_out"] == "0.333333333333333333333333"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86 350", "'+86 350"),
        ("-旁路", "'-旁路"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("宁武=原平", "宁武=原平"),
        ("", ""),
        # A number below nought is a number, not a formula.
        (D("-86.5"), "-86.5"),
        (F(1, 4), "0.25"),
        (date(2025, 9, 1), "2025-09-01"),
        (None, ""),
        (7, 7),
    ],
)
def test_a_csv_cell_runs_nothing(value: object, cell: object):
    assert listing.csv_cell(value) == cell


def test_refusals_have_the_shape_of_a_check():
    found = Finding("S001", "强制", None, None, None, None, "文件是空的。", "请重新导出。")
    for refusal, code, message in (
        (Refusal(found), "S001", "文件是空的。"),
        (
            DeclaredDataError("缺少申报数据文件 plan.toml，请补齐。"),
            "F000",
            "缺少申报数据文件 plan.toml，请补齐。",
        ),
    ):
        entry = listing.refusal_json(refusal)
        assert [entry[k] for k in ("accepted", "rows", "tonnes", "months")] == [False, 0, "0", []]
        assert entry["totals"] == {code: 1}
        (finding,) = entry["findings"]  # ty: ignore[not-iterable]
        assert list(finding) == [
            "code", "severity", "sheet", "row", "column", "value", "message", "remedy",
        ]  # fmt: skip
        assert (finding["code"], finding["severity"], finding["message"]) == (code, "强制", message)


def test_findings_are_grouped_and_counted():
    one = Finding("V006", "强制", None, 3, "运量吨", "1e3", "第3行“运量吨”列的“1e3”不是数。", "请填数。")
    two = Finding("V006", "强制", None, 5, "运量吨", "x", "第5行“运量吨”列的“x”不是数。", "请填数。")
    note = Finding("S010", "提示", None, None, None, "GB18030", "文件编码为GB18030。", "请抽看。")
    ask = Finding("H003", "核实", None, 3, "运量吨", "9000", "比去年同月多8倍。", "请核对。")
    found = [note, one, ask, two]
    lines = list(listing.finding_lines(found, {"V006": 700, "S010": 1, "H003": 1}))
    # What stops comes first, whatever was found first.
    assert lines[0].startswith("  [强制] V006 共700处")
    assert [line.strip() for line in lines[1:3]] == [f.message + f.remedy for f in (one, two)]
    assert (lines[3], lines[5]) == ("  [核实] H003 共1处", "  [提示] S010 共1处")
    assert list(listing.finding_lines([])) == []


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(drawn(registry="unit_code\nA"), Path(tmp_path_factory.mktemp("listing")))


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            judgement(value=F(8996, 10000)),
            "2025年 全市 中长距离煤焦铁路占比：89.96%，目标90.0%，未达到力争目标",
        ),
        (
            judgement(value=None, target=None, verdict=Verdict.NO_TARGET),
            "2025年 全市 中长距离煤焦铁路占比：—，方案未设年度目标",
        ),
        (
            judgement(
                "K1", unit="万吨", value=F("16102.4"), target=F(21584), verdict=Verdict.BEHIND,
                subject=Subject("K1", CITY, "全市", 2025, 9),
            ),
            "2025年1—9月 全市 全市铁路货运量：16102万吨，目标21584万吨，低于序时进度",
        ),
        (
            judgement(
                "K4", unit="吨", value=F(1500000), target=F(1500000), obliged=True,
                subject=Subject("K4", "县区", "140925", 2025, 12),
            ),
            "2025年 宁武县 专用线接入率：150.00万吨，目标150.00万吨，尚未接入",
        ),
    ],
)  # fmt: skip
def test_a_judgement_as_a_line(snapshot: Snapshot, one: Judgement, line: str):
    assert list(listing.judgement_lines([one], snapshot)) == [line]
