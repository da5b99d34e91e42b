"""From nothing and from each released schema, with data in it, to the newest: on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from etl.intake.check import UnitMonth
from etl.ledger import audit, drafts, heads, jobs, registry, schema, submissions
from etl.ledger.recording import record
from etl.ledger.schema import open_ledger, reading
from etl.verify import verify

MARCH, DAY = date(2025, 3, 1), date(2025, 4, 8)
UNIT = {
    "unit_code": "U1", "uscc": "C1", "name": "甲矿", "county_code": "140925", "kind": "工矿企业",
    "is_large": "是", "approved_tonnes": "1500000.10",
}  # fmt: skip
RELEASED = ("0001", "0002", "0003")


@pytest.fixture
def address(tmp_path: Path, backend: str, request: pytest.FixtureRequest) -> str:
    """A database with nothing in it."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / schema.FILE_NAME}"
    cluster = request.getfixturevalue("cluster")
    return cluster.empty("empty_" + cluster.name_of(tmp_path))


def fill(conn: sa.Connection, home: Path) -> None:
    """What people had brought in under the first schema."""
    record(conn, schema.registry, [UNIT], DAY, "名录.csv")
    source = home / "三月.csv"
    source.write_text("月份,运量吨\n", encoding="utf-8")
    file = submissions.keep_file(conn, home, source, None)
    one = UnitMonth(
        unit_code="U1", month=MARCH, rows=0, tonnes=Decimal("0.000"), is_zero=True, content_hash="一", rows_file=""
    )  # fmt: skip
    submissions.submit(conn, file.file_id, one, DAY, "填报人")


def rows(engine: sa.Engine, names: list[str]) -> dict[str, list[Any]]:
    with reading(engine) as conn:
        return {
            name: [tuple(row) for row in conn.execute(sa.select(schema.metadata.tables[name]))]
            for name in names
        }


@pytest.mark.parametrize("version", RELEASED)
def test_a_released_ledger_is_brought_on_with_what_is_in_it(tmp_path: Path, address: str, version: str):
    old = schema.engine_of(tmp_path, address)
    schema.migrate(old, version)
    with old.begin() as conn:
        fill(conn, tmp_path)
        if version >= "0002":
            drafts.save(conn, tmp_path, drafts.Draft("U1", MARCH, drafts.GRID, ({"货类": "煤炭"},)), "填报人")
        if version >= "0003":
            jobs.begin(conn, jobs.BUILD, "某人")
    with reading(old) as conn:
        names = [name for name in sa.inspect(conn).get_table_names() if name != "alembic_version"]
        number, hash_ = audit.head(conn)
    assert schema.version_of(old) == version
    before = rows(old, names)
    assert sum(len(of) for of in before.values()) > 8
    old.dispose()
    # Its log had no head outside until now.
    assert not heads.path_of(tmp_path).exists()

    ledger = open_ledger(tmp_path, address)
    assert schema.version_of(ledger) == schema.HEAD
    assert rows(ledger, names) == before
    assert [(one.number, one.hash) for one in heads.read(tmp_path).heads] == [(number, hash_)]
    holds_and_goes_on(ledger, tmp_path)


def test_an_empty_database_becomes_a_ledger(tmp_path: Path, address: str):
    ledger = open_ledger(tmp_path, address)
    assert [(one.number, one.hash) for one in heads.read(tmp_path).heads] == [(0, schema.FIRST_HASH)]
    with ledger.begin() as conn:
        fill(conn, tmp_path)
    holds_and_goes_on(ledger, tmp_path)


def holds_and_goes_on(ledger: sa.Engine, home: Path) -> None:
    """The declared tables, the whole chain, and a new entry of each kind with a number of its own."""
    with reading(ledger) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        assert schema.append_only_gaps(conn) == []
        table = registry.registry_as_of(conn, DAY)
        assert table["approved_tonnes"].to_pylist() == ["1500000.10"]
        count = audit.head(conn)[0]
    with ledger.begin() as conn:
        record(conn, schema.registry, [UNIT | {"name": "甲矿（新）"}], DAY, "名录.csv")
        jobs.begin(conn, jobs.INBOX, "系统")
    proof = verify(home, ledger)
    assert (proof.entries, proof.problems) == (count + 1, ())
    assert heads.read(home).heads[-1].number == count + 1
    with reading(ledger) as conn:
        assert registry.registry_as_of(conn, DAY)["name"].to_pylist() == ["甲矿（新）"]
    ledger.dispose()


def test_opening_a_ledger_that_is_new_already_changes_nothing(tmp_path: Path, address: str, monkeypatch):
    open_ledger(tmp_path, address).dispose()
    monkeypatch.setattr(schema, "migrate", _refused("nothing is to be migrated"))
    heads.path_of(tmp_path).unlink()
    open_ledger(tmp_path, address).dispose()
    # A head that somebody took away is not begun again.
    assert not heads.path_of(tmp_path).exists()


def _refused(why: str) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        pytest.fail(why)

    return refuse
