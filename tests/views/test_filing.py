"""填报 on a small city: what a clerk is shown, what is refused, and that nothing is sent but once."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from flow import story
from flow.command import Desk as CommandDesk
from flow.story import NAMES, RECEIVED, B, C, P
from streamlit.testing.v1 import AppTest

from dashboard import acts, desk, findings, grid, session
from dashboard.desk import Desk
from etl import filing
from etl.ledger import audit
from etl.ledger.schema import audit_log, reading
from etl.pipeline import Workplace
from etl.warehouse.scope import Role, Scope

FEBRUARY, JANUARY = date(2025, 2, 1), date(2025, 1, 1)
BOTH = Scope(Role.ENTERPRISE, "演示集团", units=frozenset({B, C}))
HEADER = ",".join(story.HEADERS)
OWN_FORMAT = "品名,收发,方式,始发地,目的地,里程,重量(万吨),磅房\n煤炭,发运,铁路,某地,某港,560,0.02,甲\n"


def text_of(*rows: list[object]) -> bytes:
    return story.csv_text(list(rows)).encode()


GOOD = text_of(story.row(B, "2025-02", "铁路", "200", 方向="到达", 通道="京原"))
WRONG = text_of(story.row(B, "2025-02", "铁路", "约300", 方向="到达", 通道="京原"))
UNPLAIN = text_of(story.row(B, "2025-02", "铁路", "３００", 方向="到达", 通道="京原"))
TO_EXPLAIN = text_of(
    story.row(B, "2025-02", "铁路", "200", 方向="到达", 通道="京原", 企业名称="演示集团一号矿")
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CommandDesk:
    """A home in which B and C have reported January, and nothing of B's February is there."""
    base = tmp_path_factory.mktemp("city")
    made = CommandDesk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    for run in (
        made.run("init"),
        *story.import_tables(made, base / "files").values(),
        made.run("load", base / "files" / "bc.csv", "--received", RECEIVED),
    ):
        assert run.code == 0, run.err
    return made


@pytest.fixture
def work(city: CommandDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    home = shutil.copytree(city.home, tmp_path / "home")
    for name, value in CommandDesk(home, city.data, city.today).environment.items():
        monkeypatch.setenv(name, value)
    # AppTest has no browser whose cookie would name a session.
    monkeypatch.setattr(session, "signed_in", lambda: SimpleNamespace(scope=BOTH))
    return desk.workplace()


def page(whose: object) -> None:
    """Runs inside AppTest: a visit, then the view's file."""
    import runpy
    from pathlib import Path
    from typing import Any

    import streamlit as st

    import dashboard
    from dashboard import session
    from etl.warehouse.pages import Filters
    from etl.warehouse.scope import NotVisible
    from tests.views import page_objects

    scope: Any = whose
    stand_in: Any = page_objects.StandIn()
    visit = session.Visit(
        stand_in, scope, "token", page_objects.CHOICES, Filters(2025, 2), False, st.container()
    )
    session.begin(visit)
    try:
        runpy.run_path(str(Path(dashboard.__file__).parent / "views" / "filing.py"))
    except NotVisible as refusal:
        # As app.py does.
        st.error(str(refusal))


def visit(scope: Scope = BOTH) -> AppTest:
    test = AppTest.from_function(page, args=(scope,), default_timeout=120).run()
    assert not test.exception
    return test


def said(test: AppTest) -> str:
    assert not test.exception
    return "\n".join(element.proto.body for element in test.get("html"))


def upload(test: AppTest, content: bytes, name: str = "月报.csv") -> AppTest:
    return test.file_uploader[0].set_value((name, content, "text/csv")).run()


def press(test: AppTest, key: str) -> AppTest:
    assert not test.button(key).disabled
    return test.button(key).click().run()


def sent(work: Workplace) -> list[tuple[str, date]]:
    """What waits for review."""
    return [(one.unit_code, one.month) for one in filing.waiting(work)]


def test_the_page_says_what_is_due_and_offers_the_units(work: Workplace) -> None:
    test = visit()
    html = said(test)
    assert "<p class='rs-sentence'>2月月报：已过截止日2天。</p>" in html
    assert f"<p class='rs-headnote'>{work.declared.plan.basis}</p>" in html
    assert "2025年2月</b><span class='rs-light rs-red'><i>■</i>未报" in html
    assert test.selectbox("filing-unit").options == [NAMES[B], NAMES[C]]
    assert test.selectbox(f"filing-month-{B}").value == FEBRUARY
    assert f"{NAMES[C]}2月" not in html


def test_nobody_files_for_others(work: Workplace) -> None:
    for scope in (Scope(Role.ANALYST, "市"), Scope(Role.ENTERPRISE, "无", units=frozenset())):
        test = AppTest.from_function(page, args=(scope,), default_timeout=60).run()
        assert [each.value for each in test.error] == ["填报页只对填报单位开放。"]
    assert sent(work) == []


def test_a_wrong_file_is_told_place_by_place_and_cannot_be_sent(work: Workplace) -> None:
    test = upload(visit(), WRONG)
    html = said(test)
    assert "强制1处" in html
    assert "第2行“运量吨”列</td><td data-name='内容'>约300" in html
    assert test.button("send").disabled
    assert "还有1处“强制”问题" in html
    assert sent(work) == []


def test_one_click_writes_in_what_was_understood_and_logs_it(work: Workplace) -> None:
    test = press(upload(visit(), UNPLAIN), "mend")
    html = said(test)
    assert "<td>３００</td><td>300</td>" in html
    assert "月报-已修正.xlsx" in html
    assert "提示" not in findings.summary(tried(held(test)).check)
    assert logged(work).count("一键修正") == 1


def logged(work: Workplace) -> list[str]:
    """What was done, by the audit log."""
    with reading(work.ledger) as connection:
        assert audit.broken(connection) == []
        return [row.action for row in connection.execute(audit_log.select())]


def held(test: AppTest, unit: str = B, month: date = FEBRUARY) -> Desk:
    return test.session_state["desks"][BOTH, unit, month]


def tried(bench: Desk) -> filing.TriedOut:
    assert bench.tried is not None
    return bench.tried


def test_a_return_is_sent_once_with_its_explanation(work: Workplace) -> None:
    before = sorted((work.home / "warehouse").glob("*")) if (work.home / "warehouse").is_dir() else []
    test = upload(visit(), TO_EXPLAIN)
    assert test.button("send").disabled
    assert "I007" in said(test)
    test.text_area[0].set_value("已更名，执照变更中").run()
    bench = held(test)
    press(test, "send")
    assert sent(work) == [(B, FEBRUARY)]
    assert bench.filed
    number = bench.filed.receipts[0].submission_id
    assert f"<dt>回执编号</dt><dd>{number}</dd>" in said(test)
    # What a second click finds.
    entries = logged(work)
    acts.send(work, bench)
    assert logged(work) == entries
    (one,) = filing.waiting(work)
    assert one.explanations == {"I007": "已更名，执照变更中"}
    assert sorted((work.home / "warehouse").glob("*")) == before
    press(test, "done")
    assert "本月已上报，等待审核" in said(test)


def test_the_columns_of_a_units_own_layout_are_confirmed_and_remembered(work: Workplace) -> None:
    test = upload(visit(), OWN_FORMAT.encode(), "磅房.csv")
    html = said(test)
    assert "请确认各列的含义" in html
    assert held(test).tried is None
    assert test.button("confirm").disabled
    assert "请先回答这一列的单位是不是万吨。" in html
    serial = held(test).serial
    test.selectbox(f"column-{serial}-8").set_value(None).run()
    assert "不读取的列：磅房。" in said(test)
    test.radio(f"unit-{serial}").set_value("不是万吨").run()
    assert test.button("confirm").disabled
    test.radio(f"unit-{serial}").set_value("是，按万吨换算成吨").run()
    press(test, "confirm")
    assert str(tried(held(test)).check.tonnes) == "200.000"
    assert [one.month for one in tried(held(test)).check.unit_months] == [FEBRUARY]
    assert "已记住的列对应关系" in [each.label for each in test.expander][-1]
    # 万吨 is asked each time; the columns are chosen already.
    again = upload(visit(), OWN_FORMAT.encode(), "磅房.csv")
    assert again.selectbox(f"column-{held(again).serial}-8").value is None
    press(
        again, next(button.key for button in again.button if button.key and button.key.startswith("forget-"))
    )
    assert not [each for each in again.expander if "已记住" in each.label]


@pytest.mark.usefixtures("work")
def test_a_missing_required_column_stops() -> None:
    test = upload(visit(), OWN_FORMAT.replace("里程,", "").replace("560,", "").encode(), "磅房.csv")
    assert "还缺必填的列：运距公里。" in said(test)
    assert test.button("confirm").disabled


def test_a_draft_survives_the_visit_and_is_nobody_elses(work: Workplace) -> None:
    press(upload(visit(), TO_EXPLAIN), "draft-save")
    later = visit()
    assert "有一份暂存：文件“月报.csv”" in said(later)
    press(later, "resume")
    assert held(later).content == TO_EXPLAIN
    assert "I007" in said(later)
    other = visit(Scope(Role.ENTERPRISE, NAMES[P], units=frozenset({P})))
    assert "有一份暂存" not in said(other)
    assert sent(work) == []


def test_a_month_without_traffic_takes_one_button_and_a_yes(work: Workplace) -> None:
    test = press(visit(), "zero")
    assert "确实没有运输吗" in said(test)
    assert sent(work) == []
    press(test, "zero-yes")
    assert sent(work) == [(B, FEBRUARY)]
    assert "<dd>零申报</dd>" in said(test)


def test_a_returned_month_says_why_and_opens_at_the_row(work: Workplace) -> None:
    press(upload(visit(), GOOD), "send")
    filing.send_back(work, [filing.waiting(work)[0].submission_id], "第2行运量与站方不符")
    test = visit()
    assert "2月月报被退回，请改正后重新上报。" in said(test)
    assert "原因：第2行运量与站方不符" in said(test)
    press(test, f"fix-{B}-202502")
    bench = held(test)
    assert bench.way == desk.GRID
    assert [row["运量吨"] for row in bench.typed] == ["200"]
    assert "原文件第2行是下表的第2行" in said(test)


def test_a_correction_of_an_accepted_month_needs_its_reason(work: Workplace) -> None:
    test = visit()
    test.selectbox(f"filing-month-{B}").set_value(JANUARY).run()
    upload(test, text_of(story.row(B, "2025-01", "铁路", "350", 方向="到达", 通道="京原", 对方单位=story.A)))
    assert test.button("send").disabled
    assert "与已通过的第1版相比" in said(test)
    test.text_area(f"reason-{B}-202501").set_value("漏报一列车").run()
    press(test, "send")
    assert sent(work) == [(B, JANUARY)]


@pytest.mark.usefixtures("work")
def test_a_file_that_cannot_be_read_is_a_sentence() -> None:
    test = upload(visit(), b"%PDF-1.7 no table", "../../月报.pdf")
    html = said(test)
    assert "S003" in html
    assert held(test).file_name == "月报.pdf"
    assert "annotated" not in [button.proto.id for button in test.get("download_button")]
    assert test.button("send").disabled


def test_the_grid_begins_with_last_months_flows_and_is_judged_like_a_file(work: Workplace) -> None:
    test = visit()
    test.radio(f"way-{B}-202502").set_value(desk.GRID).run()
    assert not test.exception
    bench = held(test)
    assert [row["货类"] for row in bench.typed] == ["煤炭", "焦炭"]
    assert {row["运量吨"] for row in bench.typed} == {""}
    typed = [row | {"运量吨": "1,000"} for row in bench.typed]
    acts.check_grid(work, bench, typed)
    assert str(tried(bench).check.tonnes) == "2000.000"
    acts.mend(work, bench)
    assert [row["运量吨"] for row in bench.typed] == ["1000", "1000"]
    bench.typed = [bench.typed[0]]
    assert bench.obstacle() == "表格已改动，请再次试校验。"
    acts.send(work, bench)
    assert sent(work) == []


@pytest.mark.usefixtures("work")
def test_rows_pasted_from_a_spreadsheet_stand_below_or_instead() -> None:
    test = visit()
    test.radio(f"way-{B}-202502").set_value(desk.GRID).run()
    bench = held(test)
    pasted = "货类\t运量吨\n原煤\t12\n"
    acts.take_pasted(bench, pasted, replaces=False)
    assert [row["货类"] for row in bench.typed] == ["煤炭", "焦炭", "原煤"]
    assert grid.choices(desk.workplace().declared, bench.typed)["货类"][-1] == "原煤"
    acts.take_pasted(bench, pasted, replaces=True)
    assert [(row["货类"], row["运量吨"]) for row in bench.typed] == [("原煤", "12")]
    acts.take_pasted(bench, "货类\t司机\n煤炭\t某人\n", replaces=True)
    assert bench.trouble is not None
    assert "司机" in bench.trouble.what
    assert len(bench.typed) == 1


@pytest.mark.parametrize(
    "name, safe",
    [("../../etc/月报.xlsx", "月报.xlsx"), ("C:\\用户\\月报.xls", "月报.xls"), ("..", "月报"), ("", "月报"),
     ("月\n报\x00.csv", "月报.csv"), (f"{'长' * 300}.xlsx", f"{'长' * 80}.xlsx")],
)  # fmt: skip
def test_a_files_name_is_a_name_in_our_folder(name: str, safe: str) -> None:
    assert acts.safe_name(name) == safe


def test_what_is_returned_comes_first_then_the_oldest_open_month() -> None:
    def due(month: int, state: str) -> desk.Due:
        return desk.Due(
            B, NAMES[B], date(2025, month, 1), date(2025, month + 1, 8), state, "", None, 0, False
        )

    def urgent_month(rows: list[desk.Due]) -> int:
        first = desk.most_urgent(rows)
        assert first is not None
        return first.month.month

    assert urgent_month([due(3, "未报"), due(2, "退回"), due(1, "未报")]) == 2
    assert urgent_month([due(3, "未报"), due(2, "通过"), due(1, "未报")]) == 1
    assert urgent_month([due(3, "通过"), due(2, "通过")]) == 3
    assert desk.most_urgent([]) is None
