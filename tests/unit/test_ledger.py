"""The ledger: opening, exact round trips, what was known on a day, two processes, the audit chain."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from etl.ledger import audit, heads, official, registry, schema
from etl.ledger.recording import record
from etl.ledger.schema import LedgerUnavailable, open_ledger, reading
from etl.periods import SHANGHAI, now

DAY = date(2026, 3, 1)
UNIT = {
    "unit_code": "U1", "uscc": "C1", "name": "甲矿", "county_code": "140925", "kind": "工矿企业",
    "is_large": "是",
}  # fmt: skip
SPUR = {
    "spur_code": "Z1", "spur_name": "甲线", "state": "开通", "user_code": "U1", "relation": "自有",
}  # fmt: skip
VALUE = {
    "month": "2025-03", "mode": "铁路", "object_type": "全市", "object": "全市", "commodity": "合计",
    "value": "1664.070", "caliber": "发送", "status": "快报", "source": "快报", "published_on": "2025-04-05",
}  # fmt: skip


# The same ledger on SQLite and on PostgreSQL.
pytestmark = pytest.mark.usefixtures("backend")


@pytest.fixture
def ledger(tmp_path: Path) -> sa.Engine:
    return open_ledger(tmp_path)


# ------------------------------------------------------------------------------------------- opening


def test_the_migrations_make_exactly_the_declared_tables(ledger):
    with reading(ledger) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_the_ledger_lies_where_the_test_says(ledger, backend):
    assert ledger.dialect.name == backend


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_every_table_says_when_a_row_was_recorded():
    assert all("recorded_at" in table.columns for table in schema.metadata.tables.values())


def test_on_postgresql_decimals_are_numeric_and_moments_carry_a_zone():
    statements = [
        str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for table in schema.metadata.sorted_tables
    ]
    official_table = next(text for text in statements if "CREATE TABLE official" in text)
    assert "value NUMERIC NOT NULL" in official_table
    assert "recorded_at TIMESTAMP WITH TIME ZONE NOT NULL" in official_table


def test_opening_again_keeps_what_is_there(tmp_path):
    first = open_ledger(tmp_path / "new" / "home")
    with first.begin() as conn:
        record(conn, schema.registry, [UNIT], DAY, "a.csv")
    with reading(open_ledger(tmp_path / "new" / "home")) as conn:
        assert registry.registry_as_of(conn, DAY).num_rows == 1


def test_a_ledger_of_a_newer_program_is_refused_in_chinese(ledger, tmp_path):
    with ledger.begin() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerUnavailable, match="请升级"):
        open_ledger(tmp_path)


def test_a_reader_does_not_wait_for_a_writer(ledger):
    with ledger.begin() as writer:
        record(writer, schema.registry, [UNIT], DAY, "a.csv")
        with reading(ledger) as conn:
            assert registry.registry_as_of(conn, DAY).num_rows == 0


# --------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("text", ["0", "0.10", "1664.070", "123456789012345678.123456789", "0.00000001"])
def test_a_decimal_comes_back_digit_for_digit(ledger, text):
    with ledger.begin() as conn:
        record(conn, schema.registry, [UNIT | {"approved_tonnes": text}], DAY, "a.csv")
    with reading(ledger) as conn:
        assert conn.scalar(sa.select(schema.registry.c.approved_tonnes)) == Decimal(text)
        assert registry.registry_as_of(conn, DAY)["approved_tonnes"].to_pylist() == [text]


def test_a_moment_comes_back_in_shanghai(ledger):
    utc = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    row = {"kind": "registry", "source": "a", "row_count": 0, "actor": "甲", "recorded_on": DAY}
    with ledger.begin() as conn:
        schema.add_row(conn, schema.import_run, row | {"recorded_at": utc})
    with reading(ledger) as conn:
        moment = conn.execute(sa.select(schema.import_run.c.recorded_at)).scalar_one()
    assert moment == utc
    assert moment.isoformat() == "2026-03-02T00:30:00+08:00"


def test_an_error_of_the_database_tells_no_figure(ledger):
    """It may end up in a log."""
    row = UNIT | {"approved_tonnes": "987654.321", "name": "甲矿"}

    def break_a_link() -> None:
        with ledger.begin() as conn:
            record(conn, schema.registry, [row], DAY, "a.csv")
            conn.execute(sa.insert(schema.registry), [_registry_row(conn) | {"import_id": 999}])

    with pytest.raises(exc.IntegrityError) as refused:
        break_a_link()
    assert "987654" not in str(refused.value)
    assert "甲矿" not in str(refused.value)


def _registry_row(conn: sa.Connection) -> dict:
    return {
        k: v
        for k, v in conn.execute(sa.select(schema.registry)).mappings().one().items()
        if k != "registry_id"
    }


def test_a_moment_without_a_zone_is_a_fault(ledger):
    row = {"kind": "registry", "source": "a", "row_count": 0, "actor": "甲", "recorded_on": DAY}
    naive = now().replace(tzinfo=None)
    with ledger.begin() as conn, pytest.raises(exc.StatementError, match="time zone"):
        schema.add_row(conn, schema.import_run, row | {"recorded_at": naive})


def test_the_registry_comes_back_typed_with_its_defaults(ledger):
    full = UNIT | {
        "unit_code": "U2", "industry": "煤炭", "group_name": "集团", "large_basis": "名录", "is_new": "是",
        "in_catalogue": "否", "approved_tonnes": "1500000", "period_basis": "26—25日",
        "production_state": "停产", "exemption_basis": "批文", "due_from": "2025-01", "due_to": "2025-12-01",
        "valid_from": "2024-06-15",
    }  # fmt: skip
    with ledger.begin() as conn:
        assert record(conn, schema.registry, [UNIT, full], DAY, "a.csv") == 2
    with reading(ledger) as conn:
        table = registry.registry_as_of(conn, DAY)
    assert table.schema == registry.REGISTRY
    assert table.to_pylist() == [
        UNIT | {
            "industry": "", "group_name": "", "is_large": True, "large_basis": "", "is_new": False,
            "in_catalogue": None, "approved_tonnes": None, "period_basis": "自然月",
            "production_state": "正常", "exemption_basis": "", "due_from": None,
            "due_to": None, "valid_from": None,
        },
        full | {
            "is_large": True, "is_new": True, "in_catalogue": False, "due_from": date(2025, 1, 1),
            "due_to": date(2025, 12, 1), "valid_from": date(2024, 6, 15),
        },
    ]  # fmt: skip


def test_empty_tables_have_their_types(ledger):
    expected = {
        registry.registry_as_of: registry.REGISTRY,
        registry.spurs_as_of: registry.SPURS,
        official.official_as_of: official.OFFICIAL,
        official.targets_as_of: official.TARGETS,
        official.events_as_of: official.EVENTS,
    }
    with reading(ledger) as conn:
        for read, wanted in expected.items():
            table = read(conn, DAY)
            assert (table.num_rows, table.schema) == (0, wanted)


def test_an_import_without_rows_is_recorded_as_such(ledger):
    with ledger.begin() as conn:
        assert record(conn, schema.registry, [], DAY, "leer.csv") == 0
        assert conn.scalar(sa.select(schema.import_run.c.row_count)) == 0


@pytest.mark.parametrize(
    "row, fault",
    [({"surprise": "1"}, KeyError), ({"is_large": "也许"}, KeyError), ({"name": ""}, ValueError)],
)
def test_rows_that_no_check_has_seen_are_a_fault(ledger, row, fault):
    with ledger.begin() as conn, pytest.raises(fault):
        record(conn, schema.registry, [UNIT | row], DAY, "a.csv")


# -------------------------------------------------------------------------------- known on which day


def test_a_registry_row_is_known_from_its_day_on_and_the_newest_wins(ledger):
    with ledger.begin() as conn:
        record(conn, schema.registry, [UNIT], DAY, "a.csv")
        record(conn, schema.registry, [UNIT | {"name": "甲矿（新）"}], DAY + timedelta(10), "b.csv")
    with reading(ledger) as conn:
        names = {
            offset: registry.registry_as_of(conn, DAY + timedelta(offset))["name"].to_pylist()
            for offset in (-1, 0, 9, 10)
        }
    assert names == {-1: [], 0: ["甲矿"], 9: ["甲矿"], 10: ["甲矿（新）"]}


def test_of_two_imports_on_one_day_the_later_wins(ledger):
    with ledger.begin() as conn:
        for name in ("一", "二", "三"):
            record(conn, schema.registry, [UNIT | {"name": name}], DAY, f"{name}.csv")
    with reading(ledger) as conn:
        assert registry.registry_as_of(conn, DAY)["name"].to_pylist() == ["三"]


def test_the_states_of_a_unit_stand_beside_each_other(ledger):
    states = [UNIT | {"valid_from": "2025-07-01"}, UNIT, UNIT | {"valid_from": "2024-01-01"}]
    with ledger.begin() as conn:
        record(conn, schema.registry, states, DAY, "a.csv")
    with reading(ledger) as conn:
        days = registry.registry_as_of(conn, DAY)["valid_from"].to_pylist()
    assert days == [None, date(2024, 1, 1), date(2025, 7, 1)]


def test_a_spur_and_user_show_all_rows_of_their_newest_import_only(ledger):
    twice = [SPUR | {"use_from": "2023-01-01", "use_to": "2023-06-30"}, SPUR | {"use_from": "2024-01-01"}]
    other = SPUR | {"user_code": "U9", "relation": "共用"}
    with ledger.begin() as conn:
        record(conn, schema.spur, [*twice, other], DAY, "a.csv")
        record(conn, schema.spur, [SPUR | {"use_from": "2025-01-01"}], DAY + timedelta(1), "b.csv")
    with reading(ledger) as conn:
        before, after = (registry.spurs_as_of(conn, DAY + timedelta(n)).to_pylist() for n in (0, 1))
    assert [(r["user_code"], r["use_from"]) for r in before] == [
        ("U1", date(2023, 1, 1)), ("U1", date(2024, 1, 1)), ("U9", None),
    ]  # fmt: skip
    assert [(r["user_code"], r["use_from"]) for r in after] == [("U1", date(2025, 1, 1)), ("U9", None)]


def test_a_unit_may_be_named_by_its_uscc_while_that_is_one_unit(ledger):
    units = [UNIT, UNIT | {"unit_code": "U2", "uscc": "C2", "name": "乙"}]
    shared = UNIT | {"unit_code": "U3", "uscc": "C2", "name": "丙"}
    with ledger.begin() as conn:
        record(conn, schema.registry, units, DAY, "a.csv")
        record(conn, schema.registry, [shared], DAY + timedelta(1), "b.csv")
        record(conn, schema.spur, [SPUR | {"user_code": code} for code in ("C1", "C2", "X")], DAY, "s.csv")
    with reading(ledger) as conn:
        assert registry.spurs_as_of(conn, DAY)["user_code"].to_pylist() == ["U1", "U2", "X"]
        assert registry.spurs_as_of(conn, DAY + timedelta(1))["user_code"].to_pylist() == ["U1", "C2", "X"]


def test_an_official_value_is_known_from_its_publication_and_older_vintages_stay(ledger):
    final = VALUE | {"status": "月报确报", "published_on": "2025-05-10", "value": "1670"}
    with ledger.begin() as conn:
        record(conn, schema.official, [VALUE, final], DAY, "a.csv")
    with reading(ledger) as conn:
        seen = {
            text: official.official_as_of(conn, date.fromisoformat(text))["value"].to_pylist()
            for text in ("2025-04-04", "2025-04-05", "2025-05-09", "2025-05-10")
        }
        table = official.official_as_of(conn, DAY)
    assert seen == {
        "2025-04-04": [], "2025-04-05": ["1664.070"], "2025-05-09": ["1664.070"],
        "2025-05-10": ["1664.070", "1670"],
    }  # fmt: skip
    assert table.schema == official.OFFICIAL
    assert table["is_public"].to_pylist() == [False, False]
    assert table.schema.field("recorded_at").type == pa.timestamp("us")


def test_a_correction_of_one_publication_does_not_change_what_stood_before_it(ledger):
    """Entered late, a value counts from its publication; corrected, it stays as it was until then."""
    with ledger.begin() as conn:
        record(conn, schema.official, [VALUE], date(2026, 3, 1), "a.csv")
        record(conn, schema.official, [VALUE | {"value": "1666"}], date(2026, 3, 9), "b.csv")
    with reading(ledger) as conn:
        stood = official.official_as_of(conn, date(2026, 3, 8))["value"].to_pylist()
        now_known = official.official_as_of(conn, date(2026, 3, 9))["value"].to_pylist()
        long_ago = official.official_as_of(conn, date(2025, 4, 5))["value"].to_pylist()
    assert (stood, now_known, long_ago) == (["1664.070"], ["1666"], ["1666"])


def test_targets_and_events_name_an_enterprise_by_its_unit_code(ledger):
    target = {
        "year": "2025", "indicator": "K3", "object_type": "企业", "object": "C1", "value": "0.8",
        "unit": "比例",
    }  # fmt: skip
    event = {"date": "2025-06-18", "object_type": "企业", "object": "甲矿", "note": "开通"}
    with ledger.begin() as conn:
        record(conn, schema.registry, [UNIT], DAY, "a.csv")
        record(conn, schema.target, [target, target | {"object_type": "通道"}], DAY, "t.csv")
        record(conn, schema.event, [event], DAY, "e.csv")
    with reading(ledger) as conn:
        targets, events = official.targets_as_of(conn, DAY), official.events_as_of(conn, DAY)
        assert official.events_as_of(conn, DAY - timedelta(1)).num_rows == 0
    assert [(r["object_type"], r["object"]) for r in targets.to_pylist()] == [("企业", "U1"), ("通道", "C1")]
    assert targets["value"].to_pylist() == ["0.8", "0.8"]
    assert events.to_pylist() == [event | {"date": date(2025, 6, 18), "object": "U1"}]
    assert (targets.schema, events.schema) == (official.TARGETS, official.EVENTS)


# ----------------------------------------------------------------------------------------- processes


def _write_much(home: Path, name: str, start: Barrier) -> None:
    # Opening at once is part of it; so is writing at once, or one would be through before the other has begun.
    start.wait(60)
    ledger = open_ledger(home)
    start.wait(60)
    for number in range(20):
        with ledger.begin() as conn:
            record(conn, schema.registry, [UNIT | {"unit_code": f"{name}{number}"}], DAY, f"{name}.csv")
    ledger.dispose()


def test_two_processes_that_open_and_write_at_once_lose_nothing(tmp_path, monkeypatch):
    # A process of its own knows the address by its environment.
    monkeypatch.setenv(schema.URL_VARIABLE, schema.address(tmp_path))
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    writers = [spawn.Process(target=_write_much, args=(tmp_path, name, start)) for name in ("甲", "乙")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with reading(open_ledger(tmp_path)) as conn:
        assert registry.registry_as_of(conn, DAY).num_rows == 40
        assert audit.head(conn)[0] == 40
        assert audit.faults(conn, heads.read(tmp_path).heads) == []


# --------------------------------------------------------------------------------------------- audit


@pytest.fixture
def log(ledger):
    with ledger.begin() as conn:
        for number in range(1, 6):
            audit.append(conn, "甲", "导入", f"文件{number}", {"rows": number, "note": "第一季度"})
    return ledger


def test_the_chain_of_an_untouched_log_holds(log):
    with reading(log) as conn:
        assert audit.broken(conn) == []
        assert audit.head(conn)[0] == 5


def test_an_empty_log_holds(ledger):
    with reading(ledger) as conn:
        assert audit.broken(conn) == []
        assert audit.head(conn) == (0, audit.FIRST_HASH)


@pytest.mark.parametrize("change", ["UPDATE audit_log SET actor = '乙'", "DELETE FROM audit_log"])
def test_the_database_itself_refuses_to_change_the_log(log, change):
    with pytest.raises(exc.DatabaseError, match="append-only"), log.begin() as conn:
        conn.execute(sa.text(change))


def test_it_is_known_whether_the_database_would_let_somebody_change_a_log(ledger, backend):
    def gaps(statement: str) -> list[str]:
        with ledger.connect() as conn, conn.begin() as transaction:
            conn.execute(sa.text(statement))
            found = schema.append_only_gaps(conn)
            transaction.rollback()
            return found

    if backend == "postgresql":
        assert gaps("ALTER TABLE audit_log DISABLE TRIGGER audit_log_no_truncate") == ["audit_log"]
        assert gaps("ALTER TABLE submission_event DISABLE TRIGGER USER") == ["submission_event"]
        blunt = "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        assert gaps(blunt + "$$ BEGIN RETURN NEW; END $$") == ["audit_log", "submission_event"]
        assert gaps("DROP TRIGGER audit_log_append_only ON audit_log") == ["audit_log"]
        with pytest.raises(exc.DatabaseError, match="append-only"):
            gaps("TRUNCATE audit_log")
    else:
        assert gaps("DROP TRIGGER submission_event_no_delete") == ["submission_event"]
    assert gaps("SELECT 1") == []


TAMPERING = {
    "actor": ("UPDATE audit_log SET actor = '乙' WHERE entry_id = 3", [3]),
    "detail": ("UPDATE audit_log SET detail = replace(detail, '3', '4') WHERE entry_id = 3", [3]),
    "moment": ("UPDATE audit_log SET recorded_at = '2020-01-01T00:00:00+08:00' WHERE entry_id = 3", [3]),
    "hash": ("UPDATE audit_log SET hash = previous_hash WHERE entry_id = 3", [3, 4]),
    "removed": ("DELETE FROM audit_log WHERE entry_id = 3", [4]),
    "first removed": ("DELETE FROM audit_log WHERE entry_id = 1", [2]),
    "renumbered": ("UPDATE audit_log SET entry_id = 9 WHERE entry_id = 5", [9]),
}


def drop_triggers(conn: sa.Connection) -> None:
    if conn.dialect.name == "postgresql":
        conn.execute(sa.text("DROP TRIGGER audit_log_append_only ON audit_log"))
        return
    for change in ("update", "delete"):
        conn.execute(sa.text(f"DROP TRIGGER audit_log_no_{change}"))


@pytest.mark.parametrize("how, broken", TAMPERING.values(), ids=TAMPERING)
def test_a_tampered_entry_is_found(log, how, broken):
    with log.begin() as conn:
        drop_triggers(conn)
        conn.execute(sa.text(how))
        assert audit.broken(conn) == broken


def test_an_entry_that_json_cannot_hold_is_a_fault(ledger):
    with ledger.begin() as conn, pytest.raises(TypeError):
        audit.append(conn, "甲", "导入", "a", {"day": DAY})


def test_the_time_of_an_entry_is_that_of_shanghai(log):
    with reading(log) as conn:
        moment = conn.execute(sa.select(schema.audit_log.c.recorded_at).limit(1)).scalar_one()
    assert moment.tzinfo == SHANGHAI
