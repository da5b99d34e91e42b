"""The ledger where it is a SQLite file, and the address that may name another database."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from etl.ledger import audit
from etl.ledger.schema import LedgerUnavailable, open_ledger, reading


@pytest.fixture
def ledger(tmp_path: Path) -> sa.Engine:
    return open_ledger(tmp_path)


def test_sqlite_runs_in_wal_with_foreign_keys(ledger):
    with reading(ledger) as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_folder_with_a_percent_sign_is_a_folder(tmp_path):
    open_ledger(tmp_path / "50%s 完成")
    assert (tmp_path / "50%s 完成" / "ledger.sqlite").is_file()


def test_a_file_that_is_no_database_is_refused_in_chinese(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("这不是数据库" * 500)
    with pytest.raises(LedgerUnavailable, match="账本数据库无法打开"):
        open_ledger(tmp_path)


def test_an_address_that_names_no_database_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RAILSHIFT_LEDGER_URL", "nonsense")
    with pytest.raises(LedgerUnavailable, match="RAILSHIFT_LEDGER_URL"):
        open_ledger(tmp_path)


def test_the_address_may_name_another_file(tmp_path, monkeypatch):
    monkeypatch.setenv("RAILSHIFT_LEDGER_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    open_ledger(tmp_path / "home")
    assert (tmp_path / "elsewhere.db").is_file()
    assert not (tmp_path / "home" / "ledger.sqlite").exists()


def test_a_new_ledger_waits_for_the_process_that_is_writing_to_it(tmp_path):
    # SQLite refuses the switch to WAL at once, whatever wait was asked for.
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.rollback)
    release.start()
    with reading(open_ledger(tmp_path)) as conn:
        assert not release.is_alive()
        assert audit.head(conn)[0] == 0
    other.close()
