"""Backup, restore into an empty folder, rebuild: the indicators are equal. What is damaged is refused by its name."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from postgres import Cluster

from etl import backup
from etl.ledger import audit, heads, schema
from etl.ledger.schema import open_ledger, reading
from etl.pipeline import Workplace
from etl.reference import load_declared

from . import story
from .command import Desk, Run
from .demonstration import demonstration
from .story import AMENDED, RECEIVED

BY = ("city", "county", "corridor", "enterprise")


@pytest.fixture(scope="module")
def told_once(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Desk:
    """The small city with a correction accepted, a return handed in, a draft of another, and v2 published."""
    base = tmp_path_factory.mktemp("backup")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    files = base / "files"
    story.write_files(files)
    story.import_tables(desk, files)
    assert desk.run("load", files / "a.csv", files / "bc.csv", "--received", RECEIVED).code == 0
    assert desk.run("build").code == 0
    amended = ("load", files / "a-更正.csv", "--received", AMENDED, "--reason", "漏报一列车")
    assert desk.run(*amended).code == 0
    park = files / "p.csv"
    park.write_text(story.csv_text(story.ROWS_OF_P[:2]), encoding="utf-8")
    assert desk.run("submit", park, "--explain", "I007=无").code in (0, 1)
    assert desk.run("build").code == 0
    return desk


@pytest.fixture
def desk(told_once: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(told_once.home, tmp_path / "home")
    return Desk(tmp_path / "home", told_once.data)


@pytest.fixture
def kept(desk: Desk, tmp_path: Path) -> Path:
    path = tmp_path / "备份.zip"
    run = desk.run("backup", "--out", path, "--json")
    assert (run.code, run.json["flawed"], run.json["file"]) == (0, [], str(path))
    return path


def indicators(desk: Desk) -> list[Any]:
    found = [desk.run("indicators", "--year", 2025, "--by", by, "--json") for by in BY]
    assert [run.code for run in found] == [0] * len(BY)
    return [run.json["indicators"] for run in found]


def tables(engine: sa.Engine) -> dict[str, list[Any]]:
    with reading(engine) as conn:
        return {
            table.name: [tuple(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key))]
            for table in schema.metadata.sorted_tables
        }


def all_rows(home: Path) -> dict[str, list[Any]]:
    engine = open_ledger(home)
    try:
        return tables(engine)
    finally:
        engine.dispose()


def test_the_drill(desk: Desk, kept: Path, tmp_path: Path, backend: str):
    """Into an empty folder, rebuilt by its own declared data: equal ledger, equal indicators, and everything holds."""
    was, before = all_rows(desk.home), indicators(desk)
    new = Desk(tmp_path / "new", tmp_path / "new" / "declared")
    if backend == "postgresql":
        empty_beside(new)
    run = new.run("restore", kept, "--into", new.home, "--json")
    assert (run.code, run.json["holds"], run.json["home"]) == (0, True, str(new.home)), run.err
    now_there = all_rows(new.home)
    (restored,) = now_there["audit_log"][-1:]
    assert restored[3] == "恢复"
    # The backup itself was written down after it was made.
    assert [one[3] for one in was["audit_log"][-1:]] == ["备份"]
    assert now_there["audit_log"][:-1] == was["audit_log"][:-1]
    assert now_there["job_run"] == was["job_run"][:-1]
    left = {"audit_log", "job_run", "session"}
    assert {k: v for k, v in now_there.items() if k not in left} == {
        k: v for k, v in was.items() if k not in left
    }
    assert indicators(new) == before
    assert new.run("build").code == 0
    assert (new.home / "warehouse" / "CURRENT").read_text(encoding="utf-8") == "v3.duckdb"
    assert indicators(new) == before
    proof = new.run("verify", "--backup", kept, "--json")
    assert (proof.code, proof.json["problems"]) == (0, [])
    # Counting goes on after what was restored.
    more = new.run("load", more_of_b(tmp_path), "--received", AMENDED, "--json")
    assert (more.code, more.json["accepted"]) == (0, 1), more.out


def empty_beside(new: Desk) -> None:
    """Leave the database of a home without a ledger, and no home."""
    engine = sa.create_engine(schema.address(new.home))
    shutil.rmtree(new.home)
    with engine.begin() as conn:
        conn.execute(sa.text("DROP SCHEMA public CASCADE"))
        conn.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def more_of_b(folder: Path) -> Path:
    path = folder / "b2.csv"
    path.write_text(story.csv_text([story.row(story.B, "2025-02", "公路", "10")]), encoding="utf-8")
    return path


def test_the_drill_in_one_command_touches_nothing_and_is_written_down(desk: Desk, kept: Path):
    before = all_rows(desk.home)
    run = desk.run("restore", kept, "--drill", "--json")
    assert (run.code, run.json["holds"], run.json["differing"]) == (0, True, []), run.out + run.err
    assert run.json["compared"] > 20
    after = all_rows(desk.home)
    assert {name for name in before if before[name] != after[name]} == {"audit_log", "job_run"}
    jobs = desk.run("jobs", "--limit", 2, "--json").json["jobs"]
    assert [(job["kind"], job["outcome"]) for job in jobs] == [("恢复演练", "完成"), ("备份", "完成")]
    assert jobs[0]["detail"]["file"] == kept.name
    assert desk.run("verify").code == 0


def test_a_drill_tells_when_the_figures_come_out_otherwise(desk: Desk, tmp_path: Path):
    """Something was accepted and not built: what is published is not what the ledger says."""
    assert desk.run("load", more_of_b(tmp_path), "--received", AMENDED).code == 0
    out = tmp_path / "b.zip"
    assert desk.run("backup", "--out", out).code == 0
    run = desk.run("restore", out, "--drill")
    assert run.code == 1
    assert run.out.startswith("恢复演练未通过：")
    assert "指标有" in run.out
    assert "railshift build" in run.out
    assert desk.run("jobs", "--limit", 1, "--json").json["jobs"][0]["outcome"] == "部分完成"


def test_a_backup_is_made_whole_while_somebody_writes(desk: Desk, tmp_path: Path):
    stop, failures, base = threading.Event(), [], len(all_rows(desk.home)["audit_log"])

    def write() -> None:
        engine = open_ledger(desk.home)
        try:
            while not stop.is_set():
                with engine.begin() as conn:
                    for number in range(3):
                        audit.append(conn, "甲", "试", str(number), {})
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)
        engine.dispose()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [desk.run("backup", "--out", tmp_path / f"{number}.zip").code for number in range(3)]
    finally:
        stop.set()
        writer.join()
    assert (made, failures) == ([0, 0, 0], [])
    heads_seen = []
    for number in range(3):
        home = tmp_path / f"home{number}"
        restored = backup.restore(
            tmp_path / f"{number}.zip", home, f"sqlite:///{tmp_path / str(number)}.sqlite"
        )
        assert restored.proof.problems == ()
        # Three entries a transaction, and one for each backup before.
        assert (restored.manifest.head.number - base - number) % 3 == 0
        heads_seen.append(restored.manifest.head.number)
    assert heads_seen == sorted(set(heads_seen))
    assert desk.run("verify").code == 0


def test_the_name_is_given_or_found_and_nothing_is_overwritten(desk: Desk, tmp_path: Path):
    folder = tmp_path / "backups"
    folder.mkdir()
    run = desk.run("backup", "--out", folder)
    (path,) = folder.iterdir()
    assert (run.code, path.suffix, path.stat().st_mode & 0o777) == (0, ".zip", 0o600)
    assert f"已备份：{path}" in run.out
    before = path.read_bytes()
    again = desk.run("backup", "--out", path)
    assert (again.code, "已存在" in again.err) == (1, True)
    assert path.read_bytes() == before


def test_a_full_disk_leaves_nothing_under_the_name(desk: Desk, tmp_path: Path):
    folder = tmp_path / "backups"
    with mock.patch.object(backup, "_copy_published", side_effect=OSError(28, "No space left on device")):
        run = desk.run("backup", "--out", folder / "b.zip")
    assert (run.code, "No space left" in run.err, "Traceback" in run.err) == (1, True, False)
    assert list(folder.iterdir()) == []
    (job,) = desk.run("jobs", "--limit", 1, "--json").json["jobs"]
    assert (job["kind"], job["outcome"]) == ("备份", "失败")


def test_a_kept_file_that_is_gone_is_named_and_the_rest_is_kept(desk: Desk, tmp_path: Path):
    gone, changed, *_ = sorted(path for path in (desk.home / "uploads").rglob("*") if path.is_file())
    gone.unlink()
    changed.chmod(0o644)
    changed.write_bytes(b"x")
    run = desk.run("backup", "--out", tmp_path / "b.zip", "--json")
    assert (run.code, run.json["flawed"]) == (
        1,
        [f"uploads/{one.parent.name}/{one.name}" for one in (gone, changed)],
    )
    restored = backup.restore(tmp_path / "b.zip", tmp_path / "r", f"sqlite:///{tmp_path}/r.sqlite")
    assert {one.what for one in restored.proof.problems} == {
        f"uploads/{gone.parent.name}/{gone.name}缺失", f"uploads/{changed.parent.name}/{changed.name}被改动",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------- refusals


@pytest.fixture(scope="module")
def one_backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the demonstration."""
    path = tmp_path_factory.mktemp("one") / "备份.zip"
    assert demonstration().run("backup", "--out", path).code == 0
    return path


def rewritten(path: Path, out: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out


def first(files: dict[str, bytes], folder: str) -> str:
    return next(name for name in files if name.startswith(folder))


def refused(path: Path, tmp_path: Path) -> str:
    """The refusal; nothing stands in the folder."""
    into = tmp_path / "into"
    with pytest.raises(backup.BackupRefused) as refusal:
        backup.restore(path, into)
    assert not into.exists()
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".into")] == []
    return str(refusal.value)


@pytest.mark.parametrize(
    "folder", ["uploads/", "rows/", "ledger/submission.jsonl", "warehouse/v", "declared/plan", "audit.head"]
)
def test_a_file_that_was_changed_is_refused_by_its_name(one_backup: Path, tmp_path: Path, folder: str):
    names = []

    def change(files: dict[str, bytes]) -> None:
        names.append(first(files, folder))
        files[names[0]] = files[names[0]][:-1] + bytes([files[names[0]][-1] ^ 1])

    said = refused(rewritten(one_backup, tmp_path / "b.zip", change), tmp_path)
    assert f"中的{names[0]}已损坏或被改动" in said


def test_a_byte_that_flipped_on_the_disk_is_refused_by_the_files_name(one_backup: Path, tmp_path: Path):
    with zipfile.ZipFile(one_backup) as archive:
        name = first(dict.fromkeys(archive.namelist(), b""), "rows/")
        place = archive.getinfo(name).header_offset + 30 + len(name.encode()) + 60
    content = bytearray(one_backup.read_bytes())
    content[place] ^= 0xFF
    (tmp_path / "b.zip").write_bytes(bytes(content))
    assert f"中的{name}已损坏" in refused(tmp_path / "b.zip", tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.999])
def test_a_backup_that_was_cut_off_is_refused(one_backup: Path, tmp_path: Path, kept: float):
    content = one_backup.read_bytes()
    (tmp_path / "b.zip").write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    assert "不是完整的备份文件" in refused(tmp_path / "b.zip", tmp_path)


def _add(name: str, listed: bool) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[name] = b"x"
        if listed:
            found = json.loads(files["manifest.json"])
            hash_ = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
            found["files"][name] = {"sha256": hash_, "size": 1}
            files["manifest.json"] = json.dumps(found).encode()

    return change


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize(
    "name",
    ["../evil", "/dev/null/evil", "declared/../../evil", "declared//evil", "declared/./x", "uploads/aa/../x",
     "C:\\evil", "declared/a\\..\\b", "ledger.sqlite", "uploads/aa/x", "log/x", "warehouse/evil"],
)  # fmt: skip
def test_what_does_not_belong_into_a_backup_is_refused(
    one_backup: Path, tmp_path: Path, name: str, listed: bool
):
    said = refused(rewritten(one_backup, tmp_path / "b.zip", _add(name, listed)), tmp_path)
    assert "不该有的文件" in said
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path.parent / "evil").exists()


def _manifest(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | changes).encode()

    return change


def _without(folder: str) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.pop(first(files, folder))


@pytest.mark.parametrize(
    "change, said",
    [
        (_add("declared/更多.csv", False), "与其清单不符（declared/更多.csv）"),
        (_without("uploads/"), "与其清单不符（uploads/"),
        (_without("manifest.json"), "不是 railshift 的备份"),
        (_manifest(format="other"), "不是 railshift 的备份"),
        (_manifest(format_version=2), "请升级 railshift"),
        (_manifest(files=[]), "manifest.json已损坏"),
        (_manifest(tables=[{"name": "submission", "columns": [["x", "blob"]]}]), "不认识的列类型blob"),
        (lambda files: files.update({"manifest.json": b"{"}), "manifest.json已损坏"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(one_backup: Path, tmp_path: Path, change, said: str):
    assert said in refused(rewritten(one_backup, tmp_path / "b.zip", change), tmp_path)


def test_a_file_that_unpacks_to_more_than_was_put_in_is_refused(one_backup: Path, tmp_path: Path):
    def change(files: dict[str, bytes]) -> None:
        files[first(files, "rows/")] += b"\0" * (64 << 20)

    assert "rows/" in refused(rewritten(one_backup, tmp_path / "b.zip", change), tmp_path)


def test_a_backup_of_a_newer_ledger_is_refused(one_backup: Path, tmp_path: Path):
    path = rewritten(one_backup, tmp_path / "b.zip", _manifest(schema_version="9999"))
    with pytest.raises(schema.LedgerUnavailable, match="请升级"):
        backup.restore(path, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_only_an_empty_folder_is_restored_into(one_backup: Path, tmp_path: Path):
    desk = demonstration()
    folder = tmp_path / "into"
    folder.mkdir()
    (folder / "x").write_text("x", encoding="utf-8")
    run = desk.run("restore", one_backup, "--into", folder)
    assert (run.code, "不是空目录" in run.err) == (1, True)
    assert [one.name for one in folder.iterdir()] == ["x"]
    (folder / "x").unlink()
    assert desk.run("restore", one_backup, "--into", folder).code == 0
    # It is a demonstration again, not a real folder.
    assert (folder / "DEMONSTRATION").is_file()
    assert desk.run("restore", one_backup).code == 2
    assert desk.run("restore", one_backup, "--into", tmp_path / "b", "--drill").code == 2


def test_only_an_empty_database_is_restored_into(one_backup: Path, tmp_path: Path):
    with sqlite3.connect(tmp_path / "other.sqlite") as raw:
        raw.execute("create table mine (x)")
    raw.close()
    with pytest.raises(backup.BackupRefused, match="数据库不是空的（已有表mine"):
        backup.restore(one_backup, tmp_path / "into", f"sqlite:///{tmp_path}/other.sqlite")
    assert not (tmp_path / "into").exists()


def test_a_ledger_moves_from_sqlite_to_postgresql_and_back(
    one_backup: Path, tmp_path: Path, cluster: Cluster
):
    """Row by row the same but for what the restoring itself wrote down."""
    there = backup.restore(one_backup, tmp_path / "there", cluster.empty("moved"))
    assert there.proof.problems == ()
    work = Workplace(
        there.home,
        open_ledger(there.home, cluster.url("moved")),
        load_declared(there.declared, there.declared / "sample"),
    )
    kept = backup.backup(work, tmp_path / "again.zip")
    back = backup.restore(kept.path, tmp_path / "back")
    assert back.proof.problems == ()
    engines = [work.ledger, open_ledger(back.home, f"sqlite:///{back.home / schema.FILE_NAME}")]
    first, second = (tables(engine) for engine in engines)
    assert [engine.dialect.name for engine in engines] == ["postgresql", "sqlite"]
    for engine in engines:
        engine.dispose()
    # After the backup came its own entry here, the restoring there.
    assert first["audit_log"][:-1] == second["audit_log"][:-1]
    written = {"audit_log", "job_run"}
    assert all(first[name] == second[name] for name in first if name not in written)
    assert len(first["registry"]) > 10


def test_verify_holds_a_home_against_a_backup(desk: Desk, kept: Path):
    """Whoever changed the ledger and its head alike is found by a backup that lies elsewhere."""
    assert desk.run("verify", "--backup", kept).code == 0
    engine = open_ledger(desk.home)
    with engine.begin() as conn:
        for trigger in ("no_delete", "append_only"):
            on = "" if conn.dialect.name == "sqlite" else " on audit_log"
            conn.execute(sa.text(f"drop trigger if exists audit_log_{trigger}{on}"))
        number, _ = audit.head(conn)
        conn.execute(sa.text(f"delete from audit_log where entry_id > {number - 3}"))  # noqa: S608
        rows = conn.scalars(sa.text("select rows_file from submission where rows_file <> ''")).all()
    engine.dispose()
    heads.path_of(desk.home).write_bytes(heads.until(desk.home, number - 3))
    (desk.home / rows[0]).unlink()
    found: Run = desk.run("verify", "--backup", kept, "--json")
    told = [one["what"] for one in found.json["problems"]]
    assert found.code == 1
    assert f"末尾第{number - 2}至{number - 1}条被截去（备份{kept.name}记着）" in told
    assert f"{rows[0]}缺失（备份{kept.name}中有）" in told
