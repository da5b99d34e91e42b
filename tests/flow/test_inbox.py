"""The inbox: what is dropped is told by its header, loaded once, or moved aside with its report."""

from __future__ import annotations

import fcntl
import json
import shutil
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from etl import inbox, pipeline
from etl.inbox import AGAIN, LEFT, LOADED, SET_ASIDE, Taken
from etl.intake.contracts import CONTRACTS
from etl.ledger import jobs, submissions
from etl.ledger.jobs import Outcome
from etl.ledger.schema import open_ledger, reading
from etl.periods import month_of
from etl.pipeline import Workplace
from etl.reference import load_declared

from . import story
from .command import DATA, Desk
from .story import RECEIVED, A
from .test_submit import FEBRUARY, JANUARY, share, waiting, write


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    base = tmp_path_factory.mktemp("inbox")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    assert desk.run("load", write(base / "january.csv", JANUARY), "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    return desk


@pytest.fixture
def desk(published: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RAILSHIFT_TODAY", published.today)
    monkeypatch.setattr(inbox, "SETTLE_SECONDS", 0)
    home = tmp_path / "home"
    shutil.copytree(published.home, home)
    (home / "inbox").mkdir()
    return Desk(home, published.data)


def drop(desk: Desk, name: str, text: str | bytes) -> Path:
    file = desk.home / "inbox" / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def work_of(desk: Desk) -> Workplace:
    return Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))


def run(desk: Desk, settle=lambda: None) -> inbox.InboxRun:
    return inbox.run(work_of(desk), settle=settle)


def lies(desk: Desk, folder: str = "") -> list[str]:
    """The files of the inbox or of a folder in it."""
    return sorted(
        f.name for f in (desk.home / "inbox" / folder).iterdir() if f.is_file() and f.name != ".lock"
    )


EVENT = "日期,对象类型,对象,说明\n2025-02-20,通道,朔黄,集中修\n"
OFFICIAL = (
    "月份,方式,对象类型,对象,货类,数值万吨,口径,状态,来源,发布日期\n"
    "2025-02,铁路,全市,,合计,{},发送,月报确报,月报,2025-03-10\n"
)


def k1(desk: Desk) -> str:
    found = desk.run("indicators", "--year", 2025, "--json").json["indicators"]
    return next(one["value"] for one in found if one["id"] == "K1")


def test_each_file_is_told_by_its_header_and_loaded_once(desk: Desk):
    """A return waits for its review, a series is published; the second run finds nothing, the same bytes no use."""
    drop(desk, "甲二月.csv", story.csv_text(FEBRUARY))
    drop(desk, "月报.csv", OFFICIAL.format(1750))
    drop(desk, "名称不说明什么.csv", EVENT)
    answer = desk.run("inbox", "--json")
    assert answer.code == 0
    assert {one["name"]: (one["kind"], one["outcome"]) for one in answer.json["files"]} == {
        "甲二月.csv": ("月报", LOADED), "月报.csv": ("官方数", LOADED), "名称不说明什么.csv": ("事件", LOADED),
    }  # fmt: skip
    assert (answer.json["snapshot"], lies(desk)) == ("v2", [])
    assert len(lies(desk, "done")) == 3
    assert k1(desk) == "3550.25"
    (one,) = waiting(desk)
    assert (one["unit_code"], one["state"]) == (A, "已上报")
    assert share(desk) == F(900, 1000)

    quiet = desk.run("inbox")
    assert (quiet.code, quiet.out) == (0, "没有新文件。\n")
    drop(desk, "又来.csv", EVENT)
    drop(desk, "甲二月.csv", story.csv_text(FEBRUARY))
    again = desk.run("inbox", "--json").json
    assert [one["outcome"] for one in again["files"]] == [AGAIN, AGAIN]
    assert again["snapshot"] is None
    assert len(lies(desk, "done")) == 5
    with reading(open_ledger(desk.home)) as connection:
        count = connection.exec_driver_sql("select count(*) from event where note = '集中修'").scalar_one()
        assert count == 1
        standing = submissions.submissions_as_of(connection, month_of("2025-04")).to_pylist()
    assert [row["version"] for row in standing if row["month"] == month_of("2025-02")] == [1]


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_table_is_told_from_the_others(name: str):
    assert inbox.told_by_header(DATA / "sample" / f"{name}.csv") == name


def test_a_return_is_told_by_its_header(tmp_path: Path):
    assert inbox.told_by_header(DATA / "sample" / "returns" / "2026-01.csv") == "月报"
    book = tmp_path / "p.xlsx"
    story.workbook(book, story.ROWS_OF_P)
    assert inbox.told_by_header(book) == "月报"


def test_what_is_refused_goes_aside_with_its_report(desk: Desk):
    drop(desk, "坏.csv", story.csv_text([*FEBRUARY, story.row(A, "2025-02", "铁路", "-1")]))
    drop(desk, "坏表.csv", EVENT.replace("2025-02-20", "昨天"))
    drop(desk, "什么.csv", "甲,乙\n1,2\n")
    drop(desk, "图.csv", b"%PDF-1.7 nothing")
    answer = desk.run("inbox", "--json")
    assert answer.code == 1
    told = {one["name"]: (one["kind"], one["outcome"], one["message"]) for one in answer.json["files"]}
    assert {kind for kind, _, _ in told.values()} == {"月报", "事件", ""}
    assert {outcome for _, outcome, _ in told.values()} == {SET_ASIDE}
    assert "看不出是哪种表" in told["什么.csv"][2]
    assert lies(desk) == lies(desk, "done") == []
    aside = desk.home / "inbox" / "refused"
    found = json.loads((aside / "坏.csv.问题.json").read_text(encoding="utf-8"))
    assert (found["accepted"], [one["row"] for one in found["findings"]]) == (False, [4])
    sheet = openpyxl.load_workbook(aside / "坏.csv.问题.xlsx").active
    assert sheet is not None
    assert "问题" in [cell.value for cell in sheet[1]]
    table = json.loads((aside / "坏表.csv.问题.json").read_text(encoding="utf-8"))
    assert (table["findings"][0]["code"], table["findings"][0]["row"]) == ("T010", 2)
    assert waiting(desk) == []
    (job,) = pipeline.jobs_run(work_of(desk), kind=jobs.INBOX)
    assert (job.outcome, job.message) == (Outcome.FAILED, "未受理4个。")


def test_what_was_refused_may_come_again(desk: Desk):
    """The registry did not know the unit; once it does, the same bytes are taken."""
    stranger = (
        "统一社会信用代码,企业名称,县区代码,单位类型,大型,应报起\n"
        "91350100M000100Y43,外来煤业有限公司,140925,工矿企业,是,2025-01\n"
    )
    row = story.row(
        A, "2025-02", "铁路", "5", 统一社会信用代码="91350100M000100Y43", 企业名称="外来煤业有限公司"
    )
    text = story.csv_text([row])
    drop(desk, "外来.csv", text)
    assert [one.outcome for one in run(desk).files] == [SET_ASIDE]
    drop(desk, "名录.csv", stranger)
    assert [(one.kind, one.outcome) for one in run(desk).files] == [("名录", LOADED)]
    drop(desk, "外来.csv", text)
    assert [one.outcome for one in run(desk).files] == [LOADED]


def test_a_return_that_has_to_be_explained_is_the_clerks(desk: Desk):
    drop(desk, "二月.csv", story.csv_text([story.row(A, "2025-02", "铁路", "0.07")]))
    (one,) = run(desk).files
    assert (one.outcome, "需要说明" in one.message) == (SET_ASIDE, True)
    report = json.loads((desk.home / "inbox" / "refused" / "二月.csv.问题.json").read_text(encoding="utf-8"))
    assert report["to_explain"] == [{"code": "H002", "last": None}]


def test_an_accepted_month_is_not_amended_from_the_inbox(desk: Desk):
    """A correction needs its reason, which a file does not say."""
    drop(desk, "更正.csv", story.csv_text([story.row(A, "2025-01", "铁路", "1")]))
    (one,) = run(desk).files
    assert (one.outcome, waiting(desk)) == (SET_ASIDE, [])


def test_what_is_still_being_written_is_left(desk: Desk):
    growing = drop(desk, "在写.csv", EVENT[:20])
    drop(desk, "传输中.csv.part", EVENT)
    drop(desk, ".隐藏.csv", EVENT)
    drop(desk, "~$打开着.xlsx", "x")

    def write_on() -> None:
        growing.write_text(EVENT, encoding="utf-8")
        drop(desk, "后到.csv", EVENT.replace("集中修", "后到"))

    done = run(desk, write_on)
    assert (done.files, done.being_written) == ((), ("传输中.csv.part", "后到.csv", "在写.csv"))
    assert [(one.name, one.outcome) for one in run(desk).files] == [
        ("后到.csv", LOADED),
        ("在写.csv", LOADED),
    ]
    assert lies(desk) == [".隐藏.csv", "~$打开着.xlsx", "传输中.csv.part"]


def test_never_two_at_a_time(desk: Desk):
    drop(desk, "事件.csv", EVENT)
    with (desk.home / "inbox" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = desk.run("inbox")
    assert (refused.code, "另一次收件正在进行" in refused.err) == (1, True)
    assert lies(desk) == ["事件.csv"]
    assert desk.run("inbox").code == 0


def test_killed_between_the_ledger_and_the_move(desk: Desk, monkeypatch):
    """The event is in the ledger, the file still lies there: the next run moves it and loads nothing again."""
    drop(desk, "事件.csv", EVENT)
    drop(desk, "甲.csv", story.csv_text(FEBRUARY))

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "_place", die)
        for _ in range(2):
            with pytest.raises(Killed):
                run(desk)
    assert lies(desk) == ["事件.csv", "甲.csv"]
    (job, *_) = pipeline.jobs_run(work_of(desk), kind=jobs.INBOX)
    assert job.outcome is Outcome.RUNNING
    done = run(desk)
    assert [(one.name, one.outcome) for one in done.files] == [("事件.csv", AGAIN), ("甲.csv", LOADED)]
    assert done.snapshot is not None
    with reading(open_ledger(desk.home)) as connection:
        assert (
            connection.exec_driver_sql("select count(*) from event where note = '集中修'").scalar_one() == 1
        )
    ran = pipeline.jobs_run(work_of(desk), kind=jobs.INBOX)
    assert [one.outcome for one in ran] == [Outcome.DONE, Outcome.FAILED, Outcome.FAILED]
    assert ran[1].message == jobs.INTERRUPTED


def test_our_fault_leaves_the_file_for_the_next_run(desk: Desk, monkeypatch):
    drop(desk, "事件.csv", EVENT)
    drop(desk, "月报.csv", OFFICIAL.format(1760))

    def fails(work: Workplace, name: str, file: Path, **options: Any) -> pipeline.Imported:
        if name == "events":
            raise OSError("disk full")
        return real(work, name, file, **options)

    real = pipeline.import_table
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "import_table", fails)
        done = run(desk)
    assert [(one.name, one.outcome) for one in done.files] == [("事件.csv", LEFT), ("月报.csv", LOADED)]
    assert done.outcome is Outcome.PARTLY
    assert "OSError" in done.files[0].message
    assert lies(desk) == ["事件.csv"]
    assert [one.outcome for one in run(desk).files] == [LOADED]


def test_a_link_is_no_file(desk: Desk, tmp_path: Path):
    outside = tmp_path / "外面.csv"
    outside.write_text(EVENT, encoding="utf-8")
    (desk.home / "inbox" / "链接.csv").symlink_to(outside)
    (one,) = run(desk).files
    assert one == Taken("链接.csv", "", SET_ASIDE, "不是普通文件。请直接放入文件本身。")
    assert outside.read_text(encoding="utf-8") == EVENT


def test_two_files_of_one_name_both_stay(desk: Desk):
    for note in ("一", "二"):
        drop(desk, "事件.csv", EVENT.replace("集中修", note))
        assert [one.outcome for one in run(desk).files] == [LOADED]
    names = lies(desk, "done")
    assert (len(names), "事件.csv" in names) == (2, True)


def test_a_station_list_is_held_against_the_returns(desk: Desk):
    drop(desk, "清单.csv", f"月份,车站,托运人,货类,方向,运量吨\n2025-01,宁武西,{A},煤炭,发运,44\n")
    assert [(one.kind, one.outcome) for one in run(desk).files] == [("站方清单", LOADED)]
    (one,) = desk.run("mirror", "list", "--json").json["differences"]
    assert (one["unit_tonnes"], one["station_tonnes"]) == ("0", "44")


def test_what_lies_there_and_who_ran_it(desk: Desk):
    work = work_of(desk)
    assert inbox.dropped(work) == ()
    drop(desk, "清单.csv", "没有表头")
    drop(desk, "未写完.part", "x")
    assert inbox.dropped(work) == ("清单.csv",)
    inbox.run(work, by="市交通运输局", settle=lambda: None)
    assert inbox.dropped(work) == ()
    assert [(job.kind, job.actor) for job in pipeline.jobs_run(work, kind=jobs.INBOX)][:1] == [
        (jobs.INBOX, "市交通运输局")
    ]
