"""Papers and tables of the ledger as somebody else: another enterprise, another county, a department, the railway."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from etl import casefile, clerk, filing, mirror, registers, reminders, tasks
from etl.briefing.receipt import receipt_pdf, receipts_for, sheet_pdf
from etl.ledger.schema import open_ledger, reading
from etl.ledger.submissions import accepted_as_of
from etl.ledger.tables import TABLES
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.roles import CITY, Role
from etl.warehouse.scope import NotVisible, Scope

from .story import COAL, NAMES, PLAIN, A, B, C, P, Told

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)
OF_A, OF_B = frozenset({A}), frozenset({B, C})
SCOPES = {
    "企业": Scope(Role.ENTERPRISE, "演示集团", units=OF_B),
    "县区": Scope(Role.COUNTY, "原平市", counties=frozenset({PLAIN})),
    "部门": Scope(Role.DEPARTMENT, "市发改委"),
    "铁路": Scope(Role.RAILWAY, "原平车务段"),
}


@pytest.fixture(scope="module")
def work(told: Told) -> Workplace:
    """The city of the story with a row about A in every table that can have one."""
    work = Workplace(told.desk.home, open_ledger(told.desk.home), load_declared(told.desk.data))
    rows: dict[str, dict[str, str]] = {
        "contacts": {"单位": A, "联系人": "张三", "邮箱": "a@example.invalid", "启用": "是"},
        "commitments": {
            "单位": A, "承诺措施": "公路转铁路", "承诺运量吨": "91919", "承诺日期": "2025-01-10",
            "兑现期限": "2025-12-31",
        },
        "projects": {"项目": f"{NAMES[A]}扩能", "县区": COAL, "年大宗量万吨": "81.81", "批复运输方式": "铁路"},
        "problems": {
            "问题编号": "W1", "措施": "（五）", "问题": f"{NAMES[A]}缺装车线", "县区": COAL, "责任单位": "市工信局",
            "提出日期": "2025-01-10",
        },
        "station_list": {
            "月份": "2025-01", "车站": "宁武西", "托运人": A, "货类": "煤炭", "方向": "发运", "运量吨": "71717",
        },
        "targets": {
            "年份": "2025", "指标": "K1", "对象类型": "企业", "对象": A, "目标值": "616.16", "单位": "万吨",
            "责任单位": NAMES[A], "依据": "分解",
        },
        "events": {"日期": "2025-01-20", "对象类型": "企业", "对象": A, "说明": "停产检修"},
    }  # fmt: skip
    for name, row in rows.items():
        headers = [column.header for column in registers.columns_of(name)]
        done = registers.enter(work, name, [{h: row.get(h, "") for h in headers}], CITY)
        assert done.accepted, (name, headers, done.findings)
    return work


def of_a(work: Workplace, month: date = JANUARY) -> int:
    """The number of A's accepted return."""
    with reading(work.ledger) as connection:
        rows = accepted_as_of(connection, date(2025, 3, 12)).to_pylist()
    return next(r["submission_id"] for r in rows if (r["unit_code"], r["month"]) == (A, month))


@pytest.mark.parametrize("paper", [receipt_pdf, sheet_pdf])
def test_a_paper_is_for_the_units_own_clerk(work: Workplace, paper: Callable[..., bytes]):
    assert paper(work, of_a(work), OF_A).startswith(b"%PDF-")
    for other in (OF_B, frozenset[str]()):
        with pytest.raises(NotVisible, match="不能查看"):
            paper(work, of_a(work), other)


def test_what_a_clerk_does_is_for_its_own_units(work: Workplace, tmp_path: Path):
    assert filing.form(work, A, FEBRUARY, units=OF_A)
    asked: list[Callable[[], object]] = [
        lambda: filing.form(work, A, FEBRUARY, units=OF_B),
        lambda: clerk.draft_of(work, A, FEBRUARY, units=OF_B),
        lambda: clerk.drop_draft(work, A, FEBRUARY, "别人", units=OF_B),
        lambda: clerk.grid_rows(work, A, FEBRUARY, units=OF_B),
        lambda: clerk.grid_file(work, A, FEBRUARY, [], tmp_path, units=OF_B),
        lambda: clerk.zero_file(work, A, FEBRUARY, tmp_path, units=OF_B),
    ]
    for ask in asked:
        with pytest.raises(NotVisible):
            ask()
    assert {one.unit_code for one in clerk.due(work, OF_B)} <= OF_B
    assert not clerk.remembered(work, OF_B)


def test_a_receipt_is_not_found_by_another_who_has_the_file(work: Workplace, told: Told):
    digest = hashlib.sha256((told.files / "a.csv").read_bytes()).hexdigest()
    assert {one.unit_code for one in receipts_for(work, digest, OF_A)} == {A}
    assert receipts_for(work, digest, OF_B) == []


def test_another_county_does_not_read_a_return(work: Workplace):
    with pytest.raises(NotVisible):
        casefile.case(work, of_a(work), SCOPES["县区"].counties)
    assert {one.unit_code for one in filing.waiting(work, SCOPES["县区"].counties)} <= {B}


@pytest.mark.parametrize("who", SCOPES)
@pytest.mark.parametrize("name", TABLES)
def test_no_table_and_no_export_tells_another_of_a_unit(work: Workplace, name: str, who: str, tmp_path: Path):
    """The railway keeps the stations' lists and reads who uses a line: that is its own work, all else is not."""
    scope = SCOPES[who]
    out = tmp_path / "out.csv"
    registers.export(work, name, out, scope=scope)
    told = str(registers.rows_of(work, name, scope)) + out.read_text(encoding="utf-8-sig")
    if (who, name) in {("铁路", "station_list"), ("铁路", "spurs")}:
        assert A in told
        return
    hidden = {A, P, "91919", "71717", "616.16", "停产检修", "a@example.invalid", "张三"}
    # Projects and problems are the offices' own lists, open to all of them; of other counties they stay with those.
    hidden |= {NAMES[A], NAMES[P], "81.81"} if who in ("企业", "县区") else set()
    assert not [word for word in hidden if word in told]


@pytest.mark.parametrize("who", SCOPES)
def test_no_board_no_difference_and_no_contact_tells_another_of_a_unit(work: Workplace, who: str):
    scope = SCOPES[who]
    mirror.refresh(work)
    told = str(mirror.differences(work, scope)) if who != "铁路" else ""
    told += str(reminders.contacts(work, scope))
    if who != "企业":
        board = tasks.read(work, scope)
        told += str(board.commitments)
        if who == "县区":
            told += str((board.problems, board.projects))
    assert not [word for word in (A, P, NAMES[A], "91919", "71717", "张三", "a@example") if word in told]


def test_contacts_are_masked_except_to_reviewers(work: Workplace):
    def email(role: Role, counties: frozenset[str] | None = None, units: frozenset[str] | None = None) -> str:
        rows = registers.rows_of(work, "contacts", Scope(role, "", counties, units))
        return next((row["邮箱"] if "邮箱" in row else row["email"] for row in rows), "")

    assert email(Role.ANALYST) == email(Role.COUNTY, counties=frozenset({COAL})) == "a@example.invalid"
    assert email(Role.ENTERPRISE, units=OF_A) == "a@example.invalid"
    assert email(Role.ADMIN) == "a***"
    assert email(Role.LEADER) == email(Role.DEPARTMENT) == email(Role.RAILWAY) == ""
