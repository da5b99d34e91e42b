"""Plausibility: the season, the trend, the spur of the day, and where the history comes from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from past import history, level, line
from returns import MINE, ZERO, check, check_file, codes, good, text_of

from etl.intake.history import FLOWS, AcceptedRows
from etl.periods import add_months, month_of


def said(tmp_path, past, *rows):
    return [finding.message for finding in check(tmp_path, text_of(*rows), past=past).findings]


def test_eleven_months_are_no_past(tmp_path):
    flood = good(运量吨="9000")
    assert codes(check(tmp_path, text_of(flood), past=level("2024-03", 12, 铁路=1000))) == {"H003"}
    assert codes(check(tmp_path, text_of(flood), past=level("2024-04", 11, 铁路=1000))) == set()
    # Twelve months, and none of them a March.
    assert (
        codes(check(tmp_path, text_of(flood | {"月份": "2025-04"}), past=level("2024-05", 11, 铁路=1000)))
        == set()
    )


def test_a_month_without_traffic_counts_as_one_that_was_reported(tmp_path):
    months = {(f"{add_months(month_of('2024-03'), n):%Y-%m}", "铁路"): 1000 for n in range(11)}
    past = history(months | {("2025-02", ""): 0})
    assert codes(check(tmp_path, text_of(good(运量吨="9000")), past=past)) == {"H003"}


def test_the_season_is_known(tmp_path):
    """Heating coal: 5000 t each winter month, 1000 t else. 5000 t are usual in January and too many in June."""
    past = history({
        (f"{month:%Y-%m}", "铁路"): 5000 if month.month in (11, 12, 1, 2) else 1000
        for month in (add_months(month_of("2022-01"), n) for n in range(36))
    })  # fmt: skip
    assert codes(check(tmp_path, text_of(good(月份="2025-01", 运量吨="5000")), past=past)) == set()
    in_june = said(tmp_path, past, good(月份="2025-06", 运量吨="8000"))
    assert in_june == ["第2行“运量吨”列所在月份的铁路运量合计8000吨，比往年同月多7倍。"]


def test_what_moved_to_rail_for_good_is_no_finding_every_month(tmp_path):
    """1000 t for years, 4000 t for the last three months: 4000 t are usual now, and so are 1000 t."""
    steps = [1000] * 24 + [4000] * 3
    past = history({(f"{add_months(month_of('2022-12'), n):%Y-%m}", "铁路"): t for n, t in enumerate(steps)})
    assert codes(check(tmp_path, text_of(good(运量吨="4000")), past=past)) == set()
    assert codes(check(tmp_path, text_of(good(运量吨="1000")), past=past)) == set()
    assert codes(check(tmp_path, text_of(good(运量吨="4301")), past=past)) == {"H003"}
    assert codes(check(tmp_path, text_of(good(运量吨="699")), past=past)) == {"H004"}


@pytest.mark.parametrize(
    "tonnes, words",
    [
        ("4000", "铁路运量合计4000吨，比去年同月多3倍"),
        ("2500", "铁路运量合计2500吨，比去年同月多1.5倍"),
        ("1400", "铁路运量合计1400吨，比去年同月多40%"),
        ("400", "铁路运量合计400吨，比去年同月少60%"),
        ("6", "铁路运量合计6吨，比去年同月少99%"),
        # What is not all of it never reads 100%.
        ("4", "铁路运量合计4吨，比去年同月少99%以上"),
        ("0", "铁路运量合计0吨，比去年同月少100%"),
    ],
)
def test_how_much_more_is_said_plainly(tmp_path, tonnes, words):
    (message,) = said(tmp_path, level("2024-03", 12, 铁路=1000), good(运量吨=tonnes))
    assert words in message
    assert not any(word in message for word in ("MAD", "中位", "偏差", "置信"))


def test_a_mode_that_is_gone_is_named(tmp_path):
    past = level("2024-03", 12, 铁路=1000, 公路=500)
    checked = check(tmp_path, text_of(good(运量吨="1000")), past=past)
    (found,) = checked.findings
    assert (found.code, found.row, found.column) == ("H005", 2, "运输方式")
    assert "去年同月公路运量500吨" in found.message
    both = check(tmp_path, text_of(ZERO), past=past)
    assert both.totals == {"H005": 2}


def test_a_slip_is_said_once(tmp_path):
    """万吨 typed for 吨: the month's total is far off too, and that adds nothing."""
    checked = check(tmp_path, text_of(good(运量吨="0.1")), past=level("2024-03", 12, 铁路=1000))
    (found,) = checked.findings
    assert (found.code, found.value) == ("H002", "0.1")
    assert "2024年3月同一货流为1000吨" in found.message
    assert "吨/万吨" in found.remedy


def test_the_largest_row_of_a_flow_is_named(tmp_path):
    past = history({("2024-03", "铁路"): "1"})
    rows = good(运量吨="1"), good(运量吨="2000", 起点="宁武"), good(运量吨="2000")
    (found,) = check(tmp_path, text_of(*rows), past=past).findings
    assert (found.row, found.value) == (3, "2000")


@pytest.mark.parametrize(
    "changes, is_asked",
    [
        ({}, True),
        ({"state": "在建"}, False),
        ({"opened_on": date(2025, 3, 31)}, True),
        ({"opened_on": date(2025, 4, 1)}, False),
        ({"use_from": date(2025, 4, 1)}, False),
        ({"use_to": date(2025, 2, 28)}, False),
        ({"use_to": date(2025, 3, 1)}, True),
        ({"capacity": None}, False),
        ({"user_code": "GROUP-1"}, False),
    ],
)
def test_only_the_spurs_of_that_month(tmp_path, changes, is_asked):
    past = history({}, [line("S1", "1") | changes])
    assert codes(check(tmp_path, text_of(good(运量吨="5000")), past=past)) == (
        {"P001"} if is_asked else set()
    )


def test_a_line_with_two_agreements_is_one_line(tmp_path):
    past = history({}, [line("S1", "1.2"), line("S1", "1.2", use_from=date(2024, 1, 1))])
    assert codes(check(tmp_path, text_of(good(运量吨="1201")), past=past)) == {"P001"}


def test_rows_that_cannot_be_read_are_no_tonnes(tmp_path):
    past = level("2024-03", 12, 铁路=1000)
    checked = check(tmp_path, text_of(good(运量吨="1000"), good(运量吨="x", 货类="焦炭")), past=past)
    assert codes(checked) == {"V006"}


def test_the_history_of_a_folder(tmp_path):
    """Only the accepted rows of the asked units: of a file read twice, those of the version that counts."""
    first = check(
        tmp_path,
        text_of(good(), good(方向="到达", 运量吨="7"), good(方向="到达", 运量吨="0.5")),
        "一.csv",
        rows_folder=tmp_path / "rows",
    )
    second = check(
        tmp_path, text_of(good(月份="2025-04", 运量吨="9")), "二.csv", rows_folder=tmp_path / "rows"
    )
    columns = {"unit_code": MINE, "month": date(2025, 3, 1), "rows_file": first.unit_months[0].rows_file}
    zero = {"unit_code": MINE, "month": date(2025, 2, 1), "rows_file": second.unit_months[0].rows_file}
    other = {"unit_code": "GROUP-1", "month": date(2025, 4, 1), "rows_file": second.unit_months[0].rows_file}
    past = AcceptedRows(tmp_path, pa.Table.from_pylist([columns, zero, other]), pa.table({"user_code": []}))
    assert past.of({MINE}).flows.to_pylist() == [
        dict(zip(FLOWS.names, row, strict=True))
        for row in [
            (MINE, date(2025, 2, 1), None, None, None, Decimal(0)),
            (MINE, date(2025, 3, 1), "铁路", "到达", "煤炭", Decimal("7.5")),
            (MINE, date(2025, 3, 1), "铁路", "发运", "煤炭", Decimal("1200.5")),
        ]
    ]
    assert past.of({"nobody"}).flows.num_rows == 0


def test_another_reading_of_a_file_keeps_the_rows_of_the_first(tmp_path):
    """The same bytes, fewer unit-months that may be kept: what was accepted before still lies there."""
    content = text_of(good(), good(月份="2025-04"))
    whole = check(tmp_path, content, rows_folder=tmp_path / "rows")
    own = check_file(tmp_path / "月报.csv", rows_folder=tmp_path / "rows", expected_month=date(2025, 4, 1))
    assert len(own.unit_months) == 1
    assert own.unit_months[0].rows_file != whole.unit_months[0].rows_file
    assert all((tmp_path / unit.rows_file).is_file() for unit in (*whole.unit_months, *own.unit_months))
    again = check_file(tmp_path / "月报.csv", rows_folder=tmp_path / "rows")
    assert again.unit_months == whole.unit_months
