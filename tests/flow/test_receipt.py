"""The receipt, the sheet to print and seal, and whose receipt a file has; figures by hand.

A has to report since January 2024. Accepted: January 2024 (500 t by rail, 100 t by road), March 2024 (300.5 t by
rail); February 2024 is missing; January 2025 (900 and 100), February 2025, corrected from 700 to 1100 t by rail.
March 2025 is handed in on 3 April and not decided: 600.25 t by rail, 200 t of coke by road, 50 t of 短驳.
B began in 2025; its January is missing. C had no traffic in January 2025.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from etl.briefing import receipt
from etl.intake.template import FORM_NUMBER
from etl.ledger.receipts import NotHandedIn
from etl.ledger.schema import open_ledger
from etl.pipeline import Workplace
from etl.reference import load_declared

from . import story
from .command import Desk
from .story import A, B, C, row, zero

TODAY = "2025-04-03"
DRAYAGE = {"短驳": "是", "换装站": "宁武西", "运距公里": "12"}
MARCH = [
    row(A, "2025-03", "铁路", "600.25"),
    row(A, "2025-03", "公路", "200", 货类="焦炭"),
    row(A, "2025-03", "公路", "50", **DRAYAGE),
]
LONG_NAME = "演示" + "超长名称" * 24 + "煤业有限责任公司"
MARKUP = '演示#import "x" *甲* $乙$ \\丙 <丁>'


def write(path: Path, rows: list[list[object]]) -> Path:
    path.write_text(story.csv_text(rows), encoding="utf-8")
    return path


def submitted(desk: Desk, file: Path, *options: object) -> int:
    run = desk.run("submit", file, *options, "--json")
    assert (run.code, run.json["submitted"]) == (0, True), run.out + run.err
    return run.json["receipts"][0]["receipt"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The city with A's past, B's February and C's January."""
    base = tmp_path_factory.mktemp("receipt")
    desk = Desk(base / "home", story.declared_data(base / "data"), TODAY)
    files = base / "files"
    story.write_files(files)
    registry = files / "registry.csv"
    text = registry.read_text(encoding="utf-8").replace("是,否,是,,2025-01", "是,否,是,,2024-01")
    registry.write_text(text, encoding="utf-8")
    story.import_tables(desk, files)
    past = [
        row(A, "2024-01", "铁路", "500"), row(A, "2024-01", "公路", "100"), row(A, "2024-03", "铁路", "300.5"),
        row(A, "2025-01", "铁路", "900"), row(A, "2025-01", "公路", "100"), row(A, "2025-02", "铁路", "700"),
        row(B, "2025-02", "公路", "10"), zero(C, "2025-01"),
    ]  # fmt: skip
    for name, rows, day in (
        ("过去.csv", past, "2025-03-05"),
        ("更正.csv", [row(A, "2025-02", "铁路", "1100")], "2025-03-20"),
    ):
        run = desk.run(
            "load", write(files / name, rows), "--received", day, "--reason", "漏报一列车", "--json"
        )
        assert run.json["refused"] == [], run.out
    return desk


@pytest.fixture
def desk(told: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(told.home, tmp_path / "home")
    return Desk(tmp_path / "home", told.data, TODAY)


@pytest.fixture
def march(desk: Desk, tmp_path: Path) -> int:
    return submitted(desk, write(tmp_path / "三月.csv", MARCH))


@pytest.fixture
def number(desk: Desk) -> Callable[..., int]:
    """The number of a return: unit, month, version."""

    def found(unit: str, month: str, version: int = 1) -> int:
        with open_ledger(desk.home).begin() as connection:
            return connection.exec_driver_sql(
                "select submission_id from submission where unit_code = ? and month = ? and version = ?",
                (unit, f"{month}-01", version),
            ).scalar_one()

    return found


def lines(content: bytes) -> list[str]:
    reader = pypdf.PdfReader(io.BytesIO(content))
    return [line.strip() for page in reader.pages for line in page.extract_text().splitlines()]


def document(desk: Desk, what: str, number: int, tmp_path: Path) -> list[str]:
    out = tmp_path / f"{what}.pdf"
    run = desk.run(what, number, "--out", out)
    assert run.code == 0, run.err
    assert str(out) in run.out
    return lines(out.read_bytes())


def line(found: list[str], start: str) -> str:
    (one,) = [text for text in found if text.startswith(start)]
    return one


# ---------------------------------------------------------------------------------------------- the receipt


def test_a_receipt_says_what_was_received(desk: Desk, march: int, tmp_path: Path):
    found = document(desk, "receipt", march, tmp_path)
    assert found[:2] == ["忻州市公转铁月报回执", f"回执编号：{march}"]
    for text in (
        f"填报单位 {story.NAMES[A]}",
        f"统一社会信用代码 {A}",
        "所报月份 2025年3月 版本 第1版",
        "是否按时 按时（截止日2025年4月8日）",
        "状态 已上报（截至2025年4月3日）",
        "铁路 1 600.25 0.06",
        "公路 1 200.00 0.02",
        "运量合计 2 800.25 0.08",
        "短驳（接驳环节，不计入运量） 1 50.00 0.01",
        "收到合计 3 850.25 0.09",
        "文件名：三月.csv",
        hashlib.sha256((tmp_path / "三月.csv").read_bytes()).hexdigest(),
        "本数据依忻政办发〔2023〕7号第（十七）条用于运输结构调整工作调度，不作为政府统计数据。",
    ):
        assert text in found, text
    received = line(found, "收到时间")
    assert received.startswith("收到时间 2025年4月3日 ")
    assert received.endswith("（北京时间）")
    assert not [text for text in found if "演示数据" in text]
    assert not [text for text in found if "原因" in text]


def test_a_receipt_of_the_demonstration_says_so(desk: Desk, march: int):
    declared = replace(load_declared(desk.data), is_demo=True)
    work = Workplace(desk.home, open_ledger(desk.home), declared)
    for content in (receipt.receipt_pdf(work, march), receipt.sheet_pdf(work, march)):
        assert "演示数据　仅供演示，不作为报送凭证" in lines(content)


def test_a_late_return_and_a_correction(desk: Desk, number: Callable[..., int], tmp_path: Path):
    """February was due on 10 March; the first version decides, whenever the correction came."""
    first = document(desk, "receipt", number(A, "2025-02"), tmp_path)
    assert line(first, "是否按时") == "是否按时 按时（截止日2025年3月10日）"
    assert line(first, "收到时间") == "收到时间 2025年3月5日（批量登记）"
    second = number(A, "2025-02", 2)
    assert f"本版已由第2版（回执编号{second}）更正，以第2版为准。" in first
    corrected = document(desk, "receipt", second, tmp_path)
    assert "所报月份 2025年2月 版本 第2版" in corrected
    assert line(corrected, "是否按时") == "是否按时 按时（首次收到于2025年3月5日，截止日2025年3月10日）"
    assert line(corrected, "更正原因") == "更正原因 漏报一列车"
    assert not [text for text in corrected if "本版已由" in text]
    late = submitted(desk, write(tmp_path / "b.csv", [row(B, "2025-01", "公路", "5")]))
    # 8 February 2025 is a Saturday.
    assert "是否按时 迟报52天（截止日2025年2月10日）" in document(desk, "receipt", late, tmp_path)
    not_due = submitted(desk, write(tmp_path / "b2.csv", [row(B, "2024-12", "公路", "5")]))
    assert "是否按时 该月不应报，不计是否按时" in document(desk, "receipt", not_due, tmp_path)


def test_a_returned_and_resent_return(desk: Desk, march: int, tmp_path: Path):
    """The number stays, the file does not: the first file's receipt is told to be no longer the return."""
    assert desk.run("review", "return", march, "--reason", "请核对*铁路*运量").code == 0
    found = document(desk, "receipt", march, tmp_path)
    assert "状态 退回（截至2025年4月3日）" in found
    assert "退回原因 请核对*铁路*运量" in found
    sheet = document(desk, "sheet", march, tmp_path)
    assert "说明：本版已退回（请核对*铁路*运量），请改正并重新上报后再打印盖章。" in sheet
    assert submitted(desk, write(tmp_path / "三月改.csv", MARCH[:2])) == march
    assert "收到合计 2 800.25 0.08" in document(desk, "receipt", march, tmp_path)
    old = desk.run("receipt", "--verify", tmp_path / "三月.csv")
    assert (old.code, f"回执{march}：" in old.out, "此后已换成另一个文件" in old.out) == (0, True, True)
    new = desk.run("receipt", "--verify", tmp_path / "三月改.csv", "--json")
    assert [(one["receipt"], one["is_current"]) for one in new.json["receipts"]] == [(march, True)]


def test_explanations_and_a_name_that_looks_like_markup(desk: Desk, tmp_path: Path):
    rows = [[MARKUP if cell == story.NAMES[A] else cell for cell in one] for one in MARCH]
    file = write(tmp_path / "a$b_c#d.csv", rows)
    march = submitted(desk, file, "--explain", f"I007={MARKUP}\n第二行")
    found = document(desk, "receipt", march, tmp_path)
    assert MARKUP in line(found, "I007")
    assert "第二行" in "".join(found)
    assert "文件名：a$b_c#d.csv" in found


def test_a_file_under_two_names_is_named_as_it_was_sent(desk: Desk, tmp_path: Path):
    """The same bytes were refused once under another name: the ledger keeps them once."""
    file = write(tmp_path / "先.csv", MARCH)
    assert desk.run("submit", file, "--unit", B).code == 1
    file = file.rename(tmp_path / "后.csv")
    assert "文件名：后.csv" in document(desk, "receipt", submitted(desk, file), tmp_path)


# ------------------------------------------------------------------------------------------------ the sheet


def test_a_sheet_by_hand(desk: Desk, march: int, tmp_path: Path):
    """March 2025 as it was handed in, though nobody has accepted it; February as corrected; 2024 without February.

    800.25 / 300.5 = 2.663…, 600.25 / 300.5 = 1.9975…; 1000 + 1100 + 800.25 = 2900.25 against 600 + 300.5.
    """
    found = document(desk, "sheet", march, tmp_path)
    for text in (
        "忻州市公转铁月报",
        f"填报单位：{story.NAMES[A]} 表　　号：{FORM_NUMBER}",
        f"统一社会信用代码：{A} 文　　号：忻政办发〔2023〕7号",
        "所报月份：2025年3月 计量单位：吨",
        "合计 800.25 300.50 增长166.3% 2900.25 900.50 —",
        "其中：铁路 600.25 300.50 增长99.8% 2600.25 800.50 —",
        "煤炭 发运 铁路 600.25 300.50 增长99.8% 2600.25 800.50 —",
        "煤炭 发运 公路 0.00 0.00 — 100.00 100.00 —",
        "焦炭 发运 公路 200.00 0.00 — 200.00 0.00 —",
        "另：短驳（接驳环节，不计入合计） 50.00 0.00 — 50.00 0.00 —",
        "煤炭 发运 公路 50.00 0.00 — 50.00 0.00 —",
        "货类 方向 运输方式 当月 上年同月 同比 累计 上年同期 （缺2月） 同比",
        "说明：2024年2月未报，累计中不含。",
        "说明：两年累计的月份不同，不计算累计同比。",
        "单位负责人： 填表人： （单位盖章处）",
        "联系电话： 报出日期：",
    ):
        assert text in found, text
    flows = [text.split()[:3] for text in found if text.startswith(("煤炭", "焦炭"))]
    assert flows == [
        ["煤炭", "发运", "铁路"], ["煤炭", "发运", "公路"], ["焦炭", "发运", "公路"], ["煤炭", "发运", "公路"],
    ]  # fmt: skip


def test_whole_years_are_compared(desk: Desk, number: Callable[..., int], tmp_path: Path):
    """January: 1000 t against 600 t, in the month and so far this year."""
    found = document(desk, "sheet", number(A, "2025-01"), tmp_path)
    assert "合计 1000 600 增长66.7% 1000 600 增长66.7%" in found
    assert "其中：铁路 900 500 增长80.0% 900 500 增长80.0%" in found
    assert "煤炭 发运 公路 100 100 持平 100 100 持平" in found
    assert not [text for text in found if text.startswith("说明")]


def test_the_month_of_last_year_is_missing(desk: Desk, number: Callable[..., int], tmp_path: Path):
    """The first version's own 700 t; the correction's 1100 t on its own sheet. 未报 is no 0."""
    found = document(desk, "sheet", number(A, "2025-02"), tmp_path)
    assert "合计 700 未报 — 1700 600 —" in found
    assert line(found, "说明：本版已由第2版").endswith("以第2版为准。")
    corrected = document(desk, "sheet", number(A, "2025-02", 2), tmp_path)
    assert "合计 1100 未报 — 2100 600 —" in corrected


def test_months_that_are_missing_and_months_that_were_not_due(
    desk: Desk, number: Callable[..., int], tmp_path: Path
):
    february = document(desk, "sheet", number(B, "2025-02"), tmp_path)
    assert "合计 10 — — 10 — —" in february
    assert "其中：铁路 0 — — 0 — —" in february
    assert "货类 方向 运输方式 当月 上年同月 同比 累计 （缺1月） 上年同期 同比" in february
    assert "说明：2025年1月未报，累计中不含。" in february
    assert "说明：2024年1—2月不在应报期，累计中不含。" in february
    assert f"统一社会信用代码：{story.GROUP}　填报单位编码：{B} 文　　号：忻政办发〔2023〕7号" in february
    # Handed in and not decided: named with the state it is in.
    submitted(desk, write(tmp_path / "b.csv", [row(B, "2025-01", "公路", "5")]))
    waiting = document(desk, "sheet", number(B, "2025-02"), tmp_path)
    assert "合计 10 — — 10 — —" in waiting
    assert "说明：2025年1月的月报尚未通过审核（已上报），累计中不含。" in waiting


def test_a_month_without_traffic(desk: Desk, number: Callable[..., int], tmp_path: Path):
    january = number(C, "2025-01")
    found = document(desk, "sheet", january, tmp_path)
    assert "合计 0 — — 0 — —" in found
    assert "所报月份：2025年1月（零申报，没有运量） 计量单位：吨" in found
    received = document(desk, "receipt", january, tmp_path)
    assert "本月零申报，没有运量。" in received
    assert line(received, "收到合计").split()[2:] == ["0", "0.00"]


def test_a_sheet_of_several_pages(desk: Desk, tmp_path: Path):
    """60 commodities, a name of 106 characters: the header on each page, each figure once, the lines to sign in one
    piece on the last."""
    data = tmp_path / "data"
    shutil.copytree(desk.data, data)
    goods = [f"演示货类{n:02d}号带有很长名称的品种" for n in range(60)]
    with (data / "reference" / "commodities.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([name, "是", "否", ""] for name in goods)
    many = Desk(desk.home, data, TODAY)
    registry = tmp_path / "registry.csv"
    text = story.REGISTRY.lstrip("\n").replace(story.NAMES[A], LONG_NAME)
    registry.write_text(text, encoding="utf-8")
    assert many.run("registry", "import", registry, "--received", "2025-04-01").code == 0
    rows = [
        [LONG_NAME if cell == story.NAMES[A] else cell for cell in row(A, "2025-03", mode, f"{n}.125", 货类=name)]
        for n, name in enumerate(goods, start=1)
        for mode in ("铁路", "公路")
    ]  # fmt: skip
    march = submitted(many, write(tmp_path / f"{'long_file_name' * 8}.csv", rows))
    out = tmp_path / "sheet.pdf"
    assert many.run("sheet", march, "--out", out).code == 0
    pages = [page.extract_text() for page in pypdf.PdfReader(out).pages]
    assert len(pages) >= 4
    assert all("上年同期" in page and "当月" in page for page in pages)
    assert all(f"第 {n} 页，共 {len(pages)} 页" in page for n, page in enumerate(pages, start=1))
    whole = "\n".join(pages)
    # 2 × (1 + … + 60) + 120 × 0.125
    assert "合计 3675.000" in whole
    for n in range(1, 61):
        assert whole.count(f" 铁路 {n}.125 ") == whole.count(f" 公路 {n}.125 ") == 1
    assert [page.count("单位负责人") for page in pages] == [0] * (len(pages) - 1) + [1]
    assert "单位盖章处" in pages[-1]
    assert "报出日期" in pages[-1]
    assert "".join(pages[0].split()).count(LONG_NAME) >= 1
    receipt_ = tmp_path / "receipt.pdf"
    assert many.run("receipt", march, "--out", receipt_).code == 0
    assert f"文件名：{'long_file_name' * 8}.csv" in "".join(lines(receipt_.read_bytes()))


# ------------------------------------------------------------------------------------------- whose receipt


def test_whose_receipt_a_file_has(desk: Desk, march: int, tmp_path: Path):
    run = desk.run("receipt", "--verify", tmp_path / "三月.csv")
    assert run.code == 0
    assert hashlib.sha256((tmp_path / "三月.csv").read_bytes()).hexdigest() in run.out
    assert f"回执{march}：{story.NAMES[A]} 2025年3月，第1版，2025-04-03收到，已上报。" in run.out
    changed = write(tmp_path / "改.csv", MARCH[:1])
    run = desk.run("receipt", "--verify", changed)
    assert (run.code, "没有回执记载这个文件" in run.out) == (1, True)
    assert desk.run("receipt", "--verify", changed, "--json").json["receipts"] == []


def test_a_file_of_several_units_shows_each_its_own(desk: Desk):
    work = Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))
    file = desk.data.parent / "files" / "过去.csv"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    everything = receipt.receipts_for(work, sha256.upper(), None)
    assert [(one.unit_code, f"{one.month:%Y-%m}") for one in everything if one.unit_code != A] == [
        (C, "2025-01"), (B, "2025-02"),
    ]  # fmt: skip
    assert len([one for one in everything if one.unit_code == A]) == 4
    assert {one.unit_code for one in receipt.receipts_for(work, sha256, frozenset({B}))} == {B}
    assert receipt.receipts_for(work, sha256, frozenset()) == []
    assert receipt.receipts_for(work, "0" * 64, None) == []


def test_what_has_no_receipt(desk: Desk, number: Callable[..., int], tmp_path: Path):
    out = tmp_path / "x.pdf"
    for command in ("receipt", "sheet"):
        run = desk.run(command, 99, "--out", out)
        assert (run.code, "没有编号为99的月报。请核对回执编号。" in run.err) == (1, True)
        assert desk.run(command, 99, "--out", out, "--json").json["accepted"] is False
    work = Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))
    open_version = number(A, "2025-01")
    with work.ledger.begin() as connection:
        connection.exec_driver_sql(
            "update submission set state = '暂存' where submission_id = ?", (open_version,)
        )
    with pytest.raises(NotHandedIn, match="尚未上报（暂存）"):
        receipt.receipt_pdf(work, open_version)
    assert not out.exists()


@pytest.mark.parametrize("arguments", [(), (1,), ("--out", "x.pdf"), (1, "--verify", __file__)])
def test_a_call_is_one_or_the_other(desk: Desk, arguments: tuple[object, ...]):
    assert desk.run("receipt", *arguments).code == 2
