"""重点任务, 作业, 站企核对 and the clocks in a browser: who sees them, who closes a problem, who explains."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, TimeoutError

from tests.browser.conftest import ROOT, Site, Visitor, run_cli
from tests.browser.test_filing import english, press

SAMPLE = ROOT / "data" / "sample"
SEEN = {
    "分析": ("tasks", "jobs", "reporting", "official", "review"),
    "县区": ("tasks", "reporting", "review"),
    "部门": ("tasks",),
    "领导": ("tasks", "reporting"),
    "管理": ("tasks", "jobs", "reporting"),
    "铁路": ("official",),
}
CLOSED = [
    ("企业", "tasks"), ("铁路", "tasks"), ("企业", "jobs"), ("铁路", "jobs"), ("部门", "jobs"),
    ("县区", "jobs"), ("领导", "jobs"),
]  # fmt: skip
SLOW = 60_000
OPENINGS = 5

Open = Callable[..., AbstractContextManager[Visitor]]


@pytest.fixture(scope="module")
def own_site(serve: Callable[..., Site], demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A home of its own: what is recorded here is in nobody else's ledger."""
    return serve(shutil.copytree(demo_home, tmp_path_factory.mktemp("tasks") / "home"))


@pytest.fixture
def look(own_site: Site, browser: Browser) -> Open:
    """A browser profile of its own, signed in as a role's account: the one of that label, else the first."""

    @contextmanager
    def opened(
        role: str, view: str, width: int = 1440, site: Site = own_site, label: str = ""
    ) -> Generator[Visitor]:
        context = browser.new_context(viewport={"width": width, "height": 1000}, locale="zh-CN")
        outside: list[str] = []
        context.on(
            "request",
            lambda r: (
                outside.append(r.url) if not r.url.startswith((site.address, "data:", "blob:")) else None
            ),
        )
        visitor = Visitor(site, context, context.new_page(), outside)
        visitor.page.goto(f"{site.address}/signin?next=/{view}")
        accounts = visitor.page.locator("button", has=visitor.page.locator("b", has_text=role))
        accounts.filter(has_text=label).first.click()
        visitor.settle()
        yield visitor
        assert outside == []
        context.close()

    return opened


def latin(visitor: Visitor) -> set[str]:
    """Latin words in sight that are neither a folder nor a command, nor told to screen readers only."""
    written = " ".join(visitor.page.locator("code, [data-live-announcer]").all_inner_texts())
    return english(visitor.page) - set(re.findall(r"[A-Za-z]{2,}", written))


def rows(visitor: Visitor, table: str) -> Locator:
    return visitor.page.locator(f".{table} tbody tr")


def pick(visitor: Visitor, key: str, option: str) -> None:
    """Choose in a list by its key and a part of the option's text; a rerun may close the list once."""
    chosen = visitor.page.get_by_role("option", name=option).first
    for _ in range(OPENINGS):
        visitor.page.locator(f"[class*='st-key-{key}'] button").first.click()
        try:
            chosen.click(timeout=3000)
            break
        except TimeoutError:
            visitor.page.keyboard.press("Escape")
    visitor.settle()


def said(visitor: Visitor, words: str) -> None:
    """Wait until the page's sentence says so."""
    visitor.page.locator(".rs-sentence", has_text=words).wait_for(timeout=SLOW)
    visitor.settle()


# ---------------------------------------------------------------------------------------------- who sees it


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("role", SEEN)
def test_a_page_is_chinese_whole_and_within_the_screen(look: Open, role: str, width: int) -> None:
    with look(role, SEEN[role][0], width) as visitor:
        page = visitor.page
        for view in SEEN[role]:
            visitor.open(f"/{view}")
            assert page.locator(".rs-head h1").count() == 1
            assert page.locator(".rs-sentence").inner_text().endswith("。")
            assert page.locator("[data-testid=stException], [data-testid=stAlert]").count() == 0
            assert latin(visitor) == set(), view
            assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= innerWidth")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("role", "view"), CLOSED)
def test_nobody_else_opens_it(look: Open, role: str, view: str) -> None:
    with look(role, view) as visitor:
        assert f"“{role}”身份不查看" in visitor.page.locator(".rs-empty").inner_text()
        assert visitor.page.locator(".rs-sentence").count() == 0


# -------------------------------------------------------------------------------------------------- 重点任务


def test_the_measures_their_tasks_and_the_filters(look: Open) -> None:
    with look("分析", "tasks") as visitor:
        page = visitor.page
        measures = page.locator(".rs-measure b")
        assert measures.count() == 15
        assert measures.first.inner_text() == "（三）健全物流通道体系"
        assert "原平车务段、市科技局牵头" in page.locator(".rs-measure", has_text="（九）").inner_text()
        assert "共有任务14项，已完成3项，逾期3项；问题清单6条，未销号4条，逾期2条。" in (
            page.locator(".rs-sentence").inner_text()
        )
        # Due today is in time; twelve days over is late, in a sign and words.
        assert "逾期" not in rows(visitor, "rs-tasks").filter(has_text="RW08").inner_text()
        assert "■逾期12天" in rows(visitor, "rs-tasks").filter(has_text="RW03").inner_text().replace("\n", "")
        assert "占涉大宗项目的50.0%（2÷4）" in page.locator("body").inner_text()
        pick(visitor, "tasks-overdue", "只看逾期")
        said(visitor, "共有任务3项，已完成0项，逾期3项")
        assert rows(visitor, "rs-tasks").filter(has_not=page.locator("b")).count() == 3
        pick(visitor, "tasks-department", "原平车务段")
        said(visitor, "共有任务1项，已完成0项，逾期1项")
        # Kept over another page.
        page.get_by_role("link", name="作业", exact=True).click()
        page.locator(".rs-head h1", has_text="作业").wait_for()
        visitor.settle()
        page.get_by_role("link", name="重点任务", exact=True).click()
        page.locator(".rs-head h1", has_text="重点任务").wait_for()
        said(visitor, "共有任务1项，已完成0项，逾期1项")
        assert latin(visitor) == set()


def test_a_department_closes_its_own_problem_with_its_basis(look: Open) -> None:
    with look("部门", "tasks") as visitor:
        page = visitor.page
        assert "市发改委负责的任务和问题" in page.locator(".rs-title h2").first.inner_text()
        page.locator("summary", has_text="销号").first.click()
        page.locator(".st-key-closing-form").wait_for()
        # Only its own are offered.
        # A list that opens while the fold still unrolls is closed by it.
        for _ in range(OPENINGS):
            page.locator("[class*=st-key-closing-code] button").first.click()
            with suppress(TimeoutError):
                page.get_by_role("option").first.wait_for(timeout=2000)
                break
        offered = page.get_by_role("option").all_inner_texts()
        assert [one[:4] for one in offered] == ["WT04", "WT03"]
        page.keyboard.press("Escape")
        press(visitor, "确认销号")
        page.get_by_text("没有销号：请写明销号依据。").wait_for(timeout=SLOW)
        page.locator("[class*=st-key-closing-basis] textarea").fill("演示：环评已批复")
        page.locator("[class*=st-key-closing-day] input").fill("2026-10-13")
        press(visitor, "确认销号")
        page.get_by_text("还没有到").wait_for(timeout=SLOW)
        # What was typed is still there.
        box = page.locator("[class*=st-key-closing-basis] textarea")
        assert box.input_value() == "演示：环评已批复"
        page.locator("[class*=st-key-closing-day] input").fill("2026-10-12")
        page.get_by_role("button", name="确认销号").dblclick()
        page.get_by_text("问题WT04已销号。").wait_for(timeout=SLOW)
        visitor.settle()
        assert "没有销号" not in page.locator("body").inner_text()
        assert latin(visitor) == set()
    with look("领导", "tasks") as visitor:
        closed = rows(visitor, "rs-problems").filter(has_text="WT04").inner_text()
        assert "已销号" in closed
        assert "演示：环评已批复" in closed
        assert "未销号3条" in visitor.page.locator(".rs-sentence").inner_text()
        assert visitor.page.locator("summary", has_text="销号").count() == 0


# -------------------------------------------------------------------------------------------------- 站企核对


def explain(visitor: Visitor, text: str) -> None:
    visitor.page.locator("[class*=st-key-mirror-text] textarea").fill(text)
    press(visitor, "提交说明")
    visitor.page.get_by_text("已记下说明，对方和审核人都能看到。").wait_for(timeout=SLOW)
    visitor.settle()


def test_a_difference_is_explained_by_both_sides(look: Open) -> None:
    with look("企业", "filing", label="示例煤业八矿") as visitor:
        page = visitor.page
        assert "另有与车站清单不一致的1项，请说明原因。" in page.locator(".rs-sentence").inner_text()
        # Its own only.
        assert rows(visitor, "rs-mirror").count() == 1
        assert "示例煤业五矿" not in page.locator("body").inner_text()
        page.locator("summary", has_text="说明差异的原因").click()
        press(visitor, "提交说明")
        page.get_by_text("说明没有提交：请写明差异的原因。").wait_for(timeout=SLOW)
        explain(visitor, "演示：两列车跨月")
        assert "已说明" in rows(visitor, "rs-mirror").inner_text()
        assert latin(visitor) == set()
        visitor.open("/filing")
        assert "不一致" not in page.locator(".rs-sentence").inner_text()
        assert page.locator(".st-key-mirror").count() == 0
    with look("铁路", "official") as visitor:
        pick(visitor, "mirror-which", "示例煤业八矿")
        explain(visitor, "演示：清单按装车日")
        told = rows(visitor, "rs-mirror").filter(has_text="示例煤业八矿").inner_text()
        assert "演示：两列车跨月" in told
        assert "演示：清单按装车日" in told
    with look("分析", "review") as visitor:
        told = rows(visitor, "rs-mirror").filter(has_text="示例煤业八矿").inner_text()
        assert re.search("企业.*演示：两列车跨月.*铁路.*演示：清单按装车日", told, re.DOTALL)
        assert "待核对1项，已说明2项" in visitor.page.locator(".st-key-mirror").inner_text()


# -------------------------------------------------------------------------------------------------- 报送进度


def counts(visitor: Visitor) -> list[int]:
    """待办, 未报超期, 退回未改, 待审核."""
    return [int(one) for one in re.findall(r"\d+", visitor.page.locator(".rs-clocks").inner_text())]


def test_the_clocks_follow_what_is_sent_and_sent_back(look: Open, own_site: Site, tmp_path: Path) -> None:
    with look("分析", "reporting") as visitor:
        page = visitor.page
        late = counts(visitor)[1]
        assert counts(visitor) == [late, late, 0, 0]
        page.locator("summary", has_text="未报：").click()
        row = rows(visitor, "rs-waits").filter(has_text="示例焦化三厂")
        assert "已4天" in row.inner_text()
        assert "j03@example.invalid" in row.inner_text()
        assert "未配置邮件" in page.locator("body").inner_text()
        registry = (SAMPLE / "registry.csv").read_text(encoding="utf-8")
        unit = next(line for line in registry.splitlines() if "示例焦化三厂" in line).split(",")[0]
        sent = tmp_path / "零申报.csv"
        sent.write_text(
            "月份,统一社会信用代码,企业名称,货类,方向,运输方式,起点,终点,运距公里,运量吨,短驳,备注\n"
            f"2026-09,{unit},示例焦化三厂,,,,,,,,,零申报\n",
            encoding="utf-8",
        )
        done = run_cli(own_site.home, "submit", str(sent), "--explain", "H005=演示：停产检修", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        visitor.open("/reporting")
        assert counts(visitor) == [late, late - 1, 0, 1]
        listed = run_cli(own_site.home, "review", "list", "--json").stdout
        (waiting,) = json.loads(listed)["submissions"]
        back = run_cli(own_site.home, "review", "return", str(waiting["id"]), "--reason", "请核对是否停产")
        assert back.returncode == 0, back.stderr
        visitor.open("/reporting")
        assert counts(visitor) == [late, late - 1, 1, 0]
        page.locator("summary", has_text="退回未改：").click()
        assert "今天" in rows(visitor, "rs-waits").filter(has_text="示例焦化三厂").last.inner_text()
    with look("领导", "reporting") as visitor:
        visitor.page.locator("summary", has_text="未报：").click()
        assert "example" not in visitor.page.locator("body").inner_text()
        assert "催报邮件" not in visitor.page.locator("body").inner_text()
    with look("管理", "reporting") as visitor:
        visitor.page.locator("summary", has_text="未报：").click()
        told = visitor.page.locator(".rs-waits").first.inner_text()
        assert "演***" in told
        assert "example" not in told


def test_the_due_day_is_not_late(
    look: Open, serve: Callable[..., Site], demo_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same returns on the 8th, the due day of September, and on the 9th."""
    found = []
    for day in ("2026-10-08", "2026-10-09"):
        base = tmp_path_factory.mktemp("day")
        data = shutil.copytree(ROOT / "data", base / "data")
        marker = data / "sample" / "demo.toml"
        text = marker.read_text(encoding="utf-8")
        assert "2026-10-12" in text
        marker.write_text(text.replace("2026-10-12", day), encoding="utf-8")
        with look(
            "分析", "reporting", site=serve(shutil.copytree(demo_home, base / "home"), data)
        ) as visitor:
            badge, late, *_ = counts(visitor)
            visitor.page.locator("summary", has_text="未报：").click()
            row = rows(visitor, "rs-waits").filter(has_text="示例焦化三厂").first
            found.append((badge == late, late, re.findall("今天|已1天", row.inner_text())))
    (_, before, _), (_, after, _) = found
    assert found == [(True, before, ["今天"]), (True, after, ["已1天"])]
    assert before < after


# ------------------------------------------------------------------------------------------------------ 作业


def test_staff_take_what_lies_in_the_inbox(look: Open, own_site: Site) -> None:
    inbox = own_site.home / "inbox"
    inbox.mkdir(exist_ok=True)
    shutil.copy(SAMPLE / "bills.csv", inbox / "一单制.csv")
    (inbox / "看不懂.csv").write_text("乱,七,八糟\n1,2,3\n", encoding="utf-8")
    with look("管理", "jobs") as visitor:
        page = visitor.page
        assert "待收：一单制.csv、看不懂.csv" in page.locator("body").inner_text()
        page.get_by_role("button", name="立即收件").click()
        page.locator("[role=status]", has_text="已登记1个，未受理1个。").wait_for(timeout=SLOW)
        visitor.settle()
        run = rows(visitor, "rs-jobs").first
        assert "▲部分完成" in run.inner_text().replace("\n", "")
        assert "系统管理员" in run.inner_text()
        run.locator("summary").click()
        told = run.locator(".rs-files").inner_text()
        assert re.search(r"已登记\s*一单制\.csv", told)
        assert re.search(r"未受理\s*看不懂\.csv.*看不出是哪种表", told)
        assert latin(visitor) == set()
        page.get_by_role("button", name="立即收件").click()
        page.locator("[role=status]", has_text="没有新文件。").wait_for(timeout=SLOW)
        pick(visitor, "jobs-kind", "生成")
        page.locator(".rs-jobs td", has_text="收件").first.wait_for(state="detached", timeout=SLOW)
        visitor.settle()
        assert set(page.locator(".rs-jobs tbody td:first-child").all_inner_texts()) == {"生成"}
        pick(visitor, "jobs-kind", "提醒")
        page.locator(".rs-empty", has_text="还没有提醒记录。").wait_for(timeout=SLOW)
