"""`verify` finds what somebody did behind the program's back: in the log, in its head outside, in the kept files.

Whoever tampers drops the triggers first and writes to the SQLite file itself.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from unittest import mock

import pyarrow.parquet as pq
import pytest

from etl.ledger import audit, heads
from etl.ledger.schema import open_ledger, reading

from . import story
from .command import Desk, Run
from .story import RECEIVED

ROOT = Path(__file__).parents[2]
TRIGGERS = [
    f"{table}_no_{change}" for table in ("audit_log", "submission_event") for change in ("update", "delete")
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Seven entries: five tables, two files of returns."""
    base = tmp_path_factory.mktemp("verify")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    for name in ("a.csv", "a-更正.csv"):
        assert desk.run("load", base / "files" / name, "--received", RECEIVED).code == 0
    return desk


@pytest.fixture
def desk(loaded: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(loaded.home, tmp_path / "home")
    return Desk(tmp_path / "home", loaded.data)


def tamper(desk: Desk, *statements: str) -> None:
    """Past the triggers, which are put back: nothing but the log itself tells."""
    with sqlite3.connect(desk.home / "ledger.sqlite") as raw:
        made = [
            raw.execute("select sql from sqlite_master where name = ?", (name,)).fetchone()
            for name in TRIGGERS
        ]
        for name in TRIGGERS:
            raw.execute(f"drop trigger {name}")
        for statement in statements:
            raw.execute(statement)
        for (text,) in made:
            raw.execute(text)
    raw.close()


def rechain(desk: Desk, first: int) -> None:
    """Compute the hashes anew from an entry on, as somebody would who knows how."""
    engine = open_ledger(desk.home)
    with engine.begin() as conn:
        entries = conn.exec_driver_sql(
            "select entry_id, recorded_at, actor, action, subject, detail from audit_log"
        )
        previous = ""
        for entry in [dict(row) for row in entries.mappings()]:
            number = entry["entry_id"]
            if number >= first:
                moment = datetime.fromisoformat(entry["recorded_at"])
                hash_ = audit._hash({**entry, "recorded_at": moment, "previous_hash": previous})
                conn.exec_driver_sql(
                    "update audit_log set previous_hash = ?, hash = ? where entry_id = ?",
                    (previous, hash_, number),
                )
            previous = conn.exec_driver_sql(
                "select hash from audit_log where entry_id = ?", (number,)
            ).scalar_one()
    engine.dispose()


def problems(run: Run) -> list[str]:
    assert run.code == (0 if run.json["holds"] else 1)
    assert all(one["remedy"].endswith("。") for one in run.json["problems"])
    return [one["what"] for one in run.json["problems"]]


def test_an_untouched_ledger_holds(desk: Desk):
    run = desk.run("verify", "--json")
    assert problems(run) == []
    assert (run.json["entries"], run.json["heads"], run.json["files"], run.json["returns"]) == (7, 8, 7, 3)
    said = desk.run("verify")
    assert said.code == 0
    assert said.out == (
        f"审计日志7条（对照台账外记下的8处），上传文件7个，月报3份：全部相符。末条：7 {run.json['hash']}\n"
    )


SHIFT = [f"update audit_log set entry_id = {n + 1} where entry_id = {n}" for n in (7, 6, 5, 4)]  # noqa: S608
FORGED = (
    "insert into audit_log select 4, recorded_at, actor, action, subject, detail, hash, hash from audit_log"
    " where entry_id = 3"
)
TAMPERING = {
    "changed": (["update audit_log set actor = '别人' where entry_id = 4"], ["第4条被改动"]),
    "detail changed": (["update audit_log set detail = detail || ' ' where entry_id = 4"], ["第4条被改动"]),
    "moment garbled": (["update audit_log set recorded_at = '昨天' where entry_id = 4"], ["第4条被改动"]),
    "bytes for text": (["update audit_log set actor = x'ff00' where entry_id = 4"], ["第4条被改动"]),
    "missing": (["delete from audit_log where entry_id = 4"], ["第4条缺失"]),
    "several missing": (["delete from audit_log where entry_id in (3, 4)"], ["第3至4条缺失"]),
    "first missing": (["delete from audit_log where entry_id = 1"], ["第1条缺失"]),
    "swapped": (
        [
            "update audit_log set entry_id = 99 where entry_id = 4",
            "update audit_log set entry_id = 4 where entry_id = 5",
            "update audit_log set entry_id = 5 where entry_id = 99",
        ],
        [
            "第4条与台账外记下的不同（audit.head第5行）", "第4条原是第5条（被调换，或前面被插入）",
            "第5条与台账外记下的不同（audit.head第6行）", "第5条原是第4条（被调换，或前面被插入）",
            "第6条与前一条不衔接",
        ],
    ),
    "cut off": (["delete from audit_log where entry_id = 7"], ["末尾第7条被截去（audit.head第8行记着）"]),
    "several cut off": (
        ["delete from audit_log where entry_id > 4"], ["末尾第5至7条被截去（audit.head第8行记着）"],
    ),
    "emptied": (["delete from audit_log"], ["末尾第1至7条被截去（audit.head第8行记着）"]),
}  # fmt: skip


@pytest.mark.parametrize("statements, found", TAMPERING.values(), ids=TAMPERING)
def test_what_was_done_to_the_log_is_found(desk: Desk, statements: list[str], found: list[str]):
    tamper(desk, *statements)
    assert problems(desk.run("verify", "--json")) == found


def test_an_entry_that_was_put_in_is_found(desk: Desk):
    tamper(desk, *SHIFT, FORGED)
    found = problems(desk.run("verify", "--json"))
    assert [what for what in found if "audit.head" not in what] == [
        "第4条被改动",
        *(f"第{n + 1}条原是第{n}条（被调换，或前面被插入）" for n in (4, 5, 6, 7)),
    ]


def test_a_chain_that_was_computed_anew_is_found_by_the_heads_outside(desk: Desk):
    tamper(desk, "update audit_log set actor = '别人' where entry_id = 4")
    with sqlite3.connect(desk.home / "ledger.sqlite") as raw:
        for name in TRIGGERS:
            raw.execute(f"drop trigger {name}")
    raw.close()
    rechain(desk, 4)
    found = problems(desk.run("verify", "--json"))
    assert found == [
        *(f"第{n}条与台账外记下的不同（audit.head第{n + 1}行）" for n in (4, 5, 6, 7)),
        "表audit_log的约束缺失或已停用", "表submission_event的约束缺失或已停用",
    ]  # fmt: skip


def test_a_head_that_lags_is_no_alarm(desk: Desk):
    """As a crash between the commit and the line leaves it, or one in the middle of a line."""
    file = heads.path_of(desk.home)
    lines = file.read_bytes().splitlines(keepends=True)
    for kept in (b"".join(lines[:-2]), b"".join(lines[:-1]) + lines[-1][:40], lines[0], b""):
        file.write_bytes(kept)
        assert problems(desk.run("verify", "--json")) == []


DYING = """
import os, sys
from etl import cli
from etl.ledger import heads

heads.note = lambda *_: os._exit(9)
cli.main()
"""


def test_a_crash_between_the_commit_and_the_line_is_no_alarm(desk: Desk, more_events: Path):
    died = subprocess.run(
        [sys.executable, "-c", DYING, "events", "import", str(more_events)],
        env={**os.environ, **desk.environment, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert died.returncode == 9
    run = desk.run("verify", "--json")
    assert (problems(run), run.json["entries"], run.json["heads"]) == ([], 8, 8)


def test_a_full_disk_at_the_line_does_not_undo_what_is_committed(desk: Desk, more_events: Path, caplog):
    with mock.patch.object(heads, "_write", side_effect=OSError(28, "No space left on device")):
        run = desk.run("events", "import", more_events, "--json")
    assert (run.code, run.json["accepted"]) == (0, True)
    assert "audit.head not written: No space left on device" in caplog.text
    run = desk.run("verify", "--json")
    assert (problems(run), run.json["entries"], run.json["heads"]) == ([], 8, 8)


@pytest.fixture
def more_events(tmp_path: Path) -> Path:
    file = tmp_path / "events.csv"
    file.write_text(story.EVENTS.lstrip("\n").replace("春节", "除夕"), encoding="utf-8")
    return file


def test_the_next_entry_heals_a_line_that_was_broken_off(desk: Desk, more_events: Path):
    file = heads.path_of(desk.home)
    file.write_bytes(file.read_bytes()[:-60])
    assert desk.run("events", "import", more_events).code == 0
    run = desk.run("verify", "--json")
    assert (problems(run), run.json["entries"]) == ([], 8)
    assert file.read_bytes().splitlines()[-1].startswith(f"8 {run.json['hash']} ".encode())


def test_a_head_that_runs_ahead_is_an_alarm(desk: Desk):
    heads.note(desk.home, 9, "0" * 64)
    assert problems(desk.run("verify", "--json")) == ["末尾第8至9条被截去（audit.head第9行记着）"]


def test_a_head_that_is_gone_or_garbled_is_an_alarm(desk: Desk):
    file = heads.path_of(desk.home)
    file.write_bytes(file.read_bytes() + "第八条\n".encode())
    assert problems(desk.run("verify", "--json")) == ["audit.head第9行不是本系统写的"]
    file.unlink()
    missing = ["缺少audit.head，末尾的条目是否被截去无从核对"]
    assert problems(desk.run("verify", "--json")) == missing
    # Not even the next entry begins it again.
    assert desk.run("build").code == 0
    assert problems(desk.run("verify", "--json")) == missing


def test_a_head_that_was_noted_elsewhere_is_held_against_the_log(desk: Desk):
    noted = desk.run("verify").out.split("末条：")[1].strip()
    tamper(desk, "delete from audit_log where entry_id = 7")
    heads.path_of(desk.home).write_bytes(b"")
    assert problems(desk.run("verify", "--json")) == []
    assert problems(desk.run("verify", "--head", noted, "--json")) == ["末尾第7条被截去（--head记着）"]
    assert desk.run("verify", "--head", "七").code == 2


def test_the_line_is_written_after_the_commit_and_not_without_one(desk: Desk):
    engine = open_ledger(desk.home)
    before = heads.path_of(desk.home).read_bytes()

    def fails() -> None:
        with engine.begin() as conn:
            audit.append(conn, "甲", "试", "a", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with engine.begin() as conn:
        conn.exec_driver_sql("update submission set reason = reason")
    assert heads.path_of(desk.home).read_bytes() == before
    with engine.begin() as conn:
        for _ in range(3):
            audit.append(conn, "甲", "试", "a", {})
        assert heads.path_of(desk.home).read_bytes() == before
    with reading(engine) as conn:
        number, hash_ = audit.head(conn)
    (line,) = heads.path_of(desk.home).read_bytes().removeprefix(before).splitlines()
    assert line.startswith(f"{number} {hash_} ".encode())
    engine.dispose()


def _change(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"\n")


def test_kept_files_are_held_against_their_hashes(desk: Desk):
    kept = sorted(file for file in (desk.home / "uploads").rglob("*") if file.is_file())
    names = [str(file.relative_to(desk.home)) for file in kept]
    _change(kept[1])
    kept[3].unlink()
    run = desk.run("verify")
    assert run.code == 1
    assert f"上传文件：{names[1]}被改动。请从备份中取回同名文件，放回原处。\n" in run.out
    assert f"上传文件：{names[3]}缺失。" in run.out
    assert "有2处不符" in run.out


def _without_a_row(file: Path) -> None:
    pq.write_table(pq.read_table(file).slice(1), file)


@pytest.mark.parametrize(
    "hurt, what",
    [
        (Path.unlink, "缺失"),
        (lambda file: file.write_bytes(b"PAR1"), "无法读取"),
        (_without_a_row, "中回执编号1的行数或运量与登记的不同"),
    ],
)
def test_the_rows_of_returns_are_held_against_what_was_recorded(
    desk: Desk, hurt: Callable[[Path], object], what: str
):
    engine = open_ledger(desk.home)
    with reading(engine) as conn:
        name = conn.exec_driver_sql("select rows_file from submission where submission_id = 1").scalar_one()
    engine.dispose()
    hurt(desk.home / name)
    run = desk.run("verify", "--json")
    assert f"{name}{what}" in problems(run)
    assert "900" not in run.out


@pytest.mark.parametrize(
    "change",
    [
        "tonnes = '1'",
        "row_count = 9",
        "received_on = '2025-03-04'",
        "rows_file = ''",
        "is_zero = 1",
        "version = 7",
    ],
)
def test_an_accepted_return_that_was_changed_in_the_ledger_is_found(desk: Desk, change: str):
    """Of the file with both months: they were accepted as one batch."""
    tamper(desk, f"update submission set {change} where submission_id = 1")  # noqa: S608
    assert "第1批通过的月报与审计日志记的不同" in problems(desk.run("verify", "--json"))


def test_a_return_that_was_approved_alone_and_changed_is_found(desk: Desk, tmp_path: Path):
    file = tmp_path / "b.csv"
    file.write_text(story.csv_text([story.row(story.B, "2025-02", "铁路", "70")]), encoding="utf-8")
    (receipt,) = desk.run("submit", file, "--json").json["receipts"]

    def moved(day: str) -> str:
        return f"update submission set received_on = '{day}' where submission_id = {receipt['receipt']}"  # noqa: S608

    tamper(desk, moved("2025-03-01"))
    # Not accepted yet: nothing was promised of it.
    assert problems(desk.run("verify", "--json")) == []
    assert desk.run("review", "approve", receipt["receipt"]).code == 0
    assert problems(desk.run("verify", "--json")) == []
    assert desk.run("review", "lock", "--month", "2025-02").code == 0
    assert problems(desk.run("verify", "--json")) == []
    tamper(desk, moved("2025-03-02"))
    assert problems(desk.run("verify", "--json")) == [f"回执编号{receipt['receipt']}与审计日志记的不同"]


@pytest.mark.parametrize("table", ["audit_log", "submission_event"])
def test_a_trigger_that_is_gone_or_blunted_is_found(desk: Desk, table: str):
    with sqlite3.connect(desk.home / "ledger.sqlite") as raw:
        raw.execute(f"drop trigger {table}_no_update")
        raw.execute(f"create trigger {table}_no_update before update on {table} begin select 1; end")
    raw.close()
    assert problems(desk.run("verify", "--json")) == [f"表{table}的约束缺失或已停用"]


def test_replacing_is_refused_like_deleting(desk: Desk):
    engine = open_ledger(desk.home)
    with engine.begin() as conn, pytest.raises(Exception, match="append-only"):
        conn.exec_driver_sql("insert or replace into audit_log select * from audit_log where entry_id = 4")
    engine.dispose()


def test_an_empty_ledger_holds(tmp_path: Path):
    run = Desk(tmp_path / "home").run("verify", "--json")
    assert (problems(run), run.json["entries"], run.json["heads"]) == ([], 0, 1)
