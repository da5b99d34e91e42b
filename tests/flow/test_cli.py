"""The command line from an empty folder to figures: two months of four units, every number by hand.

K2 of A, and of the city: rail 900 + 700 of 900 + 100 + 700 + 100 = 1800 (499.9 km is out): 8/9, 20 t short of 90 %.
K3: A 1600 of 1850; P has access in February and lacks it, and had 60 t of its own in January (30 more are A's):
1600/1910 … 1660/1910, both above 80 %. K5: 1660 of 2060, 330 t counted by others, 260 t could be missing.
K1: 3500.25 of 21584 · 2/12 = 3597.333…
"""

from __future__ import annotations

import csv
from decimal import Decimal as D
from fractions import Fraction as F

import pytest

from etl.ledger import submissions
from etl.periods import month_of

from .story import AMENDED, COAL, PLAIN, RECEIVED, A, B, C, P, Told, ledger


def number(text: str | None) -> F | None:
    return None if text is None else F(text)


def test_each_step_was_done(told: Told):
    refused = {"load": 1, "not yet": 1}
    assert {name: run.code for name, run in told.runs.items()} == {
        name: refused.get(name, 0) for name in told.runs
    }
    assert "Traceback" not in "".join(run.err for run in told.runs.values())
    assert {name: told.runs[name].json["rows"] for name in ("registry", "spurs", "official", "targets", "events")} == {
        "registry": 4, "spurs": 2, "official": 4, "targets": 1, "events": 1,
    }  # fmt: skip
    assert told.runs["build"].json == {"snapshot": "v1"}


def test_a_unit_month_that_must_not_be_is_refused_and_the_others_are_kept(told: Told):
    loaded = told.runs["load"].json
    assert loaded["refused"] == [{"unit_code": P, "month": "2025-02"}]
    assert (loaded["accepted"], loaded["amended"], loaded["unchanged"]) == (6, 0, 0)
    accepted = {(row["unit_code"], row["month"]) for row in ledger(told.desk, submissions.accepted_as_of)}
    january, february = month_of("2025-01"), month_of("2025-02")
    assert accepted == {(unit, january) for unit in (A, B, C, P)} | {(A, february), (C, february)}
    (a, bc, p) = loaded["files"]
    assert [one["file"] for one in (a, bc, p)] == ["a.csv", "bc.csv", "p.xlsx"]
    assert (a["accepted"], a["rows"], a["tonnes"], a["months"]) == (
        True,
        6,
        "1890.000",
        ["2025-01", "2025-02"],
    )
    # GB18030 was understood, and is said.
    assert (bc["accepted"], bc["totals"]["S010"]) == (True, 1)
    assert p["accepted"] is False
    (found,) = [one for one in p["findings"] if one["severity"] == "强制"]
    assert (found["sheet"], found["row"], found["column"], found["value"]) == ("月报", 4, "运量吨", "-5")


@pytest.mark.parametrize(
    ("name", "indicator", "object_", "value", "unit", "gap", "verdict", "interval", "reports"),
    [
        ("city", "K1", "全市", F("3500.25"), "万吨", F("18083.75"), "落后", (F("3500.25"),) * 2, (8, 6)),
        ("city", "K2", "全市", F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("city", "K3", "全市", F(1600, 1850), "比例", F(0), "在进度上", (F(1600, 1910), F(1660, 1910)), (3, 2)),
        ("city", "K4", "全市", F(1), "比例", F(0), "在进度上", (F(1), F(1)), (0, 0)),
        ("city", "K5", "全市", F(1660, 2060), "比例", None, "无目标", (F(1660, 2320), F(1920, 2320)), (8, 6)),
        ("january", "K2", "全市", F(9, 10), "比例", F(0), "在进度上", (F(9, 10),) * 2, (1, 1)),
        ("january", "K1", "全市", F("1800.25"), "万吨", F("19783.75"), "在进度上", (F("1800.25"),) * 2, (4, 4)),
        ("county", "K2", COAL, F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("county", "K2", PLAIN, None, "比例", None, "无适用运量", None, (0, 0)),
        # B's 200 t by road, and 200 more that February may have had.
        ("county", "K5", PLAIN, F(0), "比例", None, "无目标", (F(0), F(200, 400)), (2, 1)),
        ("county", "K4", COAL, F(1), "比例", F(0), "在进度上", (F(1), F(1)), (0, 0)),
        ("county", "K4", PLAIN, None, "比例", None, "无适用运量", None, (0, 0)),
        ("corridor", "K1", "朔黄", F(1100), "万吨", F(5700), "落后", (F(1100),) * 2, (2, 2)),
        ("corridor", "K2", "朔黄", F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        # Everything that came over 京原 is counted by A, who sent it.
        ("corridor", "K5", "京原", None, "比例", None, "无目标", (F(0), F(1)), (2, 1)),
        ("enterprise", "K2", A, F(1600, 1800), "比例", F(20), "落后", (F(1600, 1800),) * 2, (2, 2)),
        ("enterprise", "K3", A, F(1600, 1850), "比例", F(0), "在进度上", (F(1600, 1850),) * 2, (2, 2)),
        ("enterprise", "K3", P, None, "比例", None, "数据不足以判定", (F(0), F(1)), (1, 0)),
        # A unit's own figures count all its rows, and so does what it may be missing.
        ("enterprise", "K5", B, F(300, 500), "比例", None, "无目标", (F(300, 1000), F(800, 1000)), (2, 1)),
        ("enterprise", "K5", C, None, "比例", None, "无目标", None, (2, 2)),
        ("enterprise", "K4", A, F(0), "吨", None, "在进度上", (F(0), F(0)), (0, 0)),
        ("enterprise", "K4", B, F(0), "吨", None, "无义务", (F(0), F(0)), (0, 0)),
    ],
)  # fmt: skip
def test_indicators(
    told: Told, name: str, indicator: str, object_: str, value: F | None, unit: str, gap: F | None, verdict: str,
    interval: tuple[F, F] | None, reports: tuple[int, int],
):  # fmt: skip
    entry = told.by(name)[indicator, object_]
    assert close(entry["value"], value)
    assert (entry["unit"], number(entry["gap"]), entry["verdict"]) == (unit, gap, verdict)
    assert (entry["reports_expected"], entry["reports_received"]) == reports
    if interval is None:
        assert entry["interval"] is None
    else:
        assert all(close(text, end) for text, end in zip(entry["interval"], interval, strict=True))


def close(text: str | None, expected: F | None) -> bool:
    """The printed number is the exact one to at least twelve digits."""
    if text is None or expected is None:
        return text is None and expected is None
    return abs(F(text) - expected) <= abs(expected) / 10**20


def test_more_of_the_numbers(told: Told):
    city, units = told.by("city"), told.by("enterprise")
    assert (city["K2", "全市"]["numerator"], city["K2", "全市"]["denominator"]) == ("1600", "1800")
    assert (city["K2", "全市"]["gap_added"], city["K2", "全市"]["shiftable"]) == ("200", "20")
    assert (city["K2", "全市"]["light"], city["K1", "全市"]["light"]) == ("黄", "黄")
    assert close(city["K1", "全市"]["gap_pace"], F(21584, 6) - F("3500.25"))
    assert (city["K1", "全市"]["caliber"], city["K5", "全市"]["left_out"]) == ("发送", "330")
    assert told.by("corridor")["K5", "京原"]["left_out"] == "300"
    assert (units["K4", A]["obliged"], units["K4", A]["spur"]) == (True, "自有")
    assert [units["K4", u]["spur"] for u in (B, C, P)] == ["未建", "未建", "共用"]
    assert [units["K4", u]["obliged"] for u in (B, C, P)] == [False, False, False]
    assert told.runs["city"].json["snapshot"] == "v1"


def test_every_object_is_there(told: Told):
    counts = {by: {e["object"] for e in told.runs[by].json["indicators"]} for by in ("county", "corridor")}
    assert (len(counts["county"]), len(counts["corridor"])) == (16, 12)
    assert {e["object"] for e in told.runs["enterprise"].json["indicators"]} == {A, B, C, P}
    assert [e["id"] for e in told.runs["city"].json["indicators"]] == [
        "K1", "K2", "K2_ALL", "K3", "K3_BELT", "K3_ALL", "K4", "K5", "K6", "C1", "C2", "C3", "C4",
    ]  # fmt: skip


def test_indicators_as_sentences(told: Told):
    lines = told.runs["lines"].out.splitlines()
    assert "2025年1—2月 全市 全市铁路货运量：3500万吨，目标21584万吨，低于序时进度" in lines
    assert "2025年1—2月 全市 中长距离煤焦铁路占比：88.9%，目标90.0%，当前低于目标值" in lines


# ------------------------------------------------------------------------------------ identical, amended


def test_identical_content_is_no_new_version(told: Told):
    again = told.runs["again"].json
    assert (again["accepted"], again["amended"], again["unchanged"], again["refused"]) == (0, 0, 5, [])


def test_an_amended_month_is_a_new_version_with_its_reason(told: Told):
    amended = told.runs["amend"].json
    assert (amended["accepted"], amended["amended"], amended["unchanged"]) == (0, 1, 0)
    newest = {(row["unit_code"], row["month"]): row for row in ledger(told.desk, submissions.accepted_as_of)}
    assert newest[A, month_of("2025-02")]["version"] == 2
    assert newest[A, month_of("2025-02")]["accepted_on"].isoformat() == AMENDED
    assert newest[A, month_of("2025-02")]["first_received_on"].isoformat() == RECEIVED
    assert newest[A, month_of("2025-01")]["version"] == 1
    state = {(r["unit_code"], r["month"]): r for r in ledger(told.desk, submissions.submissions_as_of)}
    assert state[A, month_of("2025-02")]["reason"] == "漏报一列车"


def test_what_was_known_on_a_day_stays_as_it_was(told: Told):
    """Before the 11th 1600/1800; from then on (1600 + 400)/(1800 + 400) = 10/11, which is over 90 %."""
    values = {name: told.by(name)["K2", "全市"] for name in ("2025-03-10", AMENDED, "still", "now")}
    assert {name: entry["verdict"] for name, entry in values.items()} == {
        "2025-03-10": "落后", AMENDED: "在进度上", "still": "落后", "now": "在进度上",
    }  # fmt: skip
    assert close(values["2025-03-10"]["value"], F(8, 9))
    assert close(values[AMENDED]["value"], F(10, 11))
    assert values["now"]["value"] == values[AMENDED]["value"]
    # A look back is a file of its own and moves no pointer.
    assert told.runs["still"].json["snapshot"] == "v1"
    assert told.runs["2025-03-10"].json["snapshot"] == "asof-2025-03-10"
    assert told.runs["now"].json["snapshot"] == "v2"


def test_a_day_that_was_not_built_is_said(told: Told):
    run = told.runs["not yet"]
    assert (run.code, run.json["accepted"]) == (1, False)
    assert "railshift build --as-of 2025-03-10" in run.json["findings"][0]["message"]


# -------------------------------------------------------------------------------- the rows behind a number


def rows_of(told: Told, name: str) -> list[dict[str, str]]:
    text = (told.files / f"{name}.out.csv").read_bytes()
    assert text.startswith("\ufeff月份,".encode())
    return list(csv.DictReader(text.decode("utf-8-sig").splitlines()))


@pytest.mark.parametrize(
    ("name", "by", "indicator", "object_"),
    [
        ("K2 city", "city", "K2", "全市"),
        ("K3 city", "city", "K3", "全市"),
        ("K5 city", "city", "K5", "全市"),
        ("K5 of B", "enterprise", "K5", B),
        ("K5 朔黄", "corridor", "K5", "朔黄"),
    ],
)
def test_the_rows_add_up_to_their_number(told: Told, name: str, by: str, indicator: str, object_: str):
    rows, entry = rows_of(told, name), told.by(by)[indicator, object_]
    assert len(rows) == told.runs[name].json["rows"]
    summed = {
        kind: sum((D(row["运量吨"]) for row in rows if row["计入情况"] == kind), D(0))
        for kind in ("计入分子和分母", "计入分母", "未计入：对流扣除")
    }
    assert summed["计入分子和分母"] == D(entry["numerator"])
    assert summed["计入分子和分母"] + summed["计入分母"] == D(entry["denominator"])
    assert summed["未计入：对流扣除"] == (D(entry["left_out"]) if by != "enterprise" else 0)


def test_each_row_says_where_it_came_from_and_why_it_does_not_count(told: Told):
    rows = rows_of(told, "K5 city")
    (received,) = [row for row in rows if row["对方单位"] == A]
    assert received["计入情况"] == "未计入：对流扣除"
    assert (received["文件"], received["行号"], received["版本"]) == ("bc.csv", "2", "1")
    assert (received["收到日期"], received["工作表"]) == (RECEIVED, "")
    (coke,) = [row for row in rows if row["运距公里"] == "800"]
    assert (coke["文件"], coke["工作表"], coke["行号"]) == ("p.xlsx", "月报", "3")
    assert {row["计入情况"] for row in rows_of(told, "K3 city") if row["填报单位编码"] == P} == {
        "未计入：当月未接入专用线"
    }
    assert all(row["运距公里"] != "499.9" for row in rows_of(told, "K2 city"))


def test_the_values_behind_k1(told: Told):
    used = {(r["月份"], r["数值万吨"]) for r in rows_of(told, "K1 city") if r["采用"] and r["对象"] == "全市"}
    assert used == {("2025-01", "1800.25"), ("2025-02", "1700")}
