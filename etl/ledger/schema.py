"""The tables of the ledger, and how it is opened: SQLite in HOME, or PostgreSQL by RAILSHIFT_LEDGER_URL.

Rows of the imported tables, the audit log and the history of a submission are only ever added.
A transaction begins as a writer unless it is opened by `reading`: it takes the write lock at its first
word, so that what it has read cannot change before it writes. Two processes wait for each other
and lose nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy import exc
from sqlalchemy.types import TypeDecorator, TypeEngine

from etl.ledger import heads
from etl.periods import SHANGHAI

URL_VARIABLE = "RAILSHIFT_LEDGER_URL"
FILE_NAME = "ledger.sqlite"
MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"
# A writer waits so long for the one before it; loading years of history takes seconds, not minutes.
LOCK_WAIT_SECONDS = 60
# Any number will do, as long as every railshift process names the same one.
WRITER_LOCK = 7202302
# What the database itself refuses to change or delete from, as the first migration says.
APPEND_ONLY = ("audit_log", "submission_event")
# Ledgers of these versions had no head outside; theirs begins when they are brought on.
WITHOUT_HEAD = (None, "0001", "0002", "0003")
# Keys of a connection's info: an entry was appended; the head that its transaction commits.
AUDITED, COMMITTING = "railshift_audited", "railshift_committing"


class LedgerUnavailable(Exception):
    """The ledger cannot be opened; the message (Chinese) says why and what to do."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that comes back digit for digit: NUMERIC on PostgreSQL, text on SQLite, which has none."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """A moment with its time zone; Shanghai on the way out. On SQLite ISO text, which sorts as time does.

    Errors: ValueError for a datetime without a time zone.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        kind = sa.Text() if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return written(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(SHANGHAI)


def written(moment: datetime) -> str:
    """A moment as ISO text in Shanghai, always with six decimals, so that equal moments are equal texts."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="microseconds")


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=True)


def _link(name: str, target: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), nullable=nullable)


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, default=default)


def _day(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Date, nullable=nullable)


def _flag(name: str, nullable: bool = False, default: bool | None = None) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=nullable, default=default)


def _decimal(name: str, nullable: bool = False) -> sa.Column[Decimal]:
    return sa.Column(name, ExactDecimal, nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _recorded_at() -> sa.Column[datetime]:
    return sa.Column("recorded_at", Moment, nullable=False)


def _imported() -> list[sa.Column[Any]]:
    """What each imported row carries: its import, the day it counts as known, the clock."""
    return [_link("import_id", "import_run.import_id"), _day("recorded_on"), _recorded_at()]


import_run = sa.Table(
    "import_run", metadata,
    _key("import_id"), _text("kind"), _text("source"), _number("row_count"), _text("actor"),
    _day("recorded_on"), _recorded_at(),
)  # fmt: skip

registry = sa.Table(
    "registry", metadata,
    _key("registry_id"), *_imported(),
    _text("unit_code"), _text("uscc"), _text("name"), _text("county_code"), _text("kind"),
    _text("industry", ""), _text("group_name", ""), _flag("is_large"), _text("large_basis", ""),
    _flag("is_new", default=False), _flag("in_catalogue", nullable=True),
    _decimal("approved_tonnes", nullable=True), _text("period_basis", "自然月"),
    _text("production_state", "正常"), _text("exemption_basis", ""),
    _day("due_from", nullable=True), _day("due_to", nullable=True), _day("valid_from", nullable=True),
    sa.Index(None, "unit_code", "valid_from"),
)  # fmt: skip

spur = sa.Table(
    "spur", metadata,
    _key("spur_id"), *_imported(),
    _text("spur_code"), _text("spur_name"), _text("kind", "专用线"), _text("owner", ""),
    _text("junction", ""), _text("corridor", ""), _decimal("capacity", nullable=True), _text("state"),
    _day("opened_on", nullable=True), _text("user_code"), _text("relation"),
    _day("use_from", nullable=True), _day("use_to", nullable=True),
    sa.Index(None, "spur_code", "user_code"),
)  # fmt: skip

official = sa.Table(
    "official", metadata,
    _key("official_id"), *_imported(),
    _day("month"), _text("mode"), _text("object_type"), _text("object"), _text("commodity"),
    _text("period_kind", "当期"), _decimal("value"), _text("caliber"), _text("operator", ""),
    _text("status"), _text("source"), _day("published_on"), _flag("is_public", default=False),
    sa.Index(None, "published_on"),
)  # fmt: skip

target = sa.Table(
    "target", metadata,
    _key("target_id"), *_imported(),
    _number("year"), _text("indicator"), _text("object_type"), _text("object"), _decimal("value"),
    _text("unit"), _text("responsible", ""), _text("basis", ""),
)  # fmt: skip

event = sa.Table(
    "event", metadata,
    _key("event_id"), *_imported(),
    _day("date"), _text("object_type"), _text("object"), _text("note"),
)  # fmt: skip

# One row for the same bytes under the same mapping; the bytes lie under their hash.
stored_file = sa.Table(
    "stored_file", metadata,
    _key("file_id"), _text("sha256"), _text("mapping_sha256"), _text("file_name"), _number("size"),
    sa.Column("mapping_text", sa.Text), _recorded_at(),
    sa.UniqueConstraint("sha256", "mapping_sha256"),
)  # fmt: skip

check_result = sa.Table(
    "check_result", metadata,
    _key("check_id"), _link("file_id", "stored_file.file_id"), _text("file_name"), _flag("accepted"),
    _text("rule_version"), _number("row_count"), _decimal("tonnes"), sa.Column("encoding", sa.Text),
    sa.Column("months", sa.JSON, nullable=False), sa.Column("totals", sa.JSON, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False), sa.Column("refused", sa.JSON, nullable=False),
    _recorded_at(),
    sa.Index(None, "file_id"),
)  # fmt: skip

acceptance_batch = sa.Table(
    "acceptance_batch", metadata,
    _key("batch_id"), _link("file_id", "stored_file.file_id"), _day("received_on"), _text("reason"),
    _text("actor"), _number("accepted"), _number("amended"), _number("unchanged"), _recorded_at(),
)  # fmt: skip

# One row for each version of a unit-month. Once accepted_on is set, only the state may go on to 锁定.
submission = sa.Table(
    "submission", metadata,
    _key("submission_id"), _text("unit_code"), _day("month"), _number("version"), _text("state"),
    _link("file_id", "stored_file.file_id"), _text("rows_file"), _number("row_count"),
    _decimal("tonnes"), _flag("is_zero"), _text("content_hash"),
    _day("first_received_on", nullable=True), _day("received_on", nullable=True),
    _day("accepted_on", nullable=True), _text("reason"),
    _link("batch_id", "acceptance_batch.batch_id", nullable=True), _recorded_at(),
    sa.UniqueConstraint("unit_code", "month", "version"),
    sa.Index(None, "batch_id"),
)  # fmt: skip

# effective_on: the day from which the step counts for --as-of; recorded_at: when it was written down.
submission_event = sa.Table(
    "submission_event", metadata,
    _key("step_id"), _link("submission_id", "submission.submission_id"),
    _link("file_id", "stored_file.file_id"), sa.Column("from_state", sa.Text), _text("to_state"),
    _text("actor"), _text("reason"), _day("effective_on"), _recorded_at(),
    sa.Index(None, "submission_id"),
)  # fmt: skip

explanation = sa.Table(
    "explanation", metadata,
    _key("explanation_id"), _link("submission_id", "submission.submission_id"), _text("code"),
    _text("text"), _text("actor"), _recorded_at(),
    sa.Index(None, "submission_id"),
)  # fmt: skip

# What was begun and not sent, one a unit-month: typed rows or a kept file, mapping, explanations.
draft = sa.Table(
    "draft", metadata,
    _key("draft_id"), _text("unit_code"), _day("month"),
    _link("file_id", "stored_file.file_id", nullable=True), sa.Column("content", sa.JSON, nullable=False),
    _text("actor"), _recorded_at(),
    sa.UniqueConstraint("unit_code", "month"),
)  # fmt: skip

# Which column is which in a unit's own layout, as somebody confirmed it; known by the layout's header.
column_mapping = sa.Table(
    "column_mapping", metadata,
    _key("mapping_id"), _text("unit_code"), _text("header_sha256"),
    sa.Column("header", sa.JSON, nullable=False), _text("mapping_text"), _text("actor"), _recorded_at(),
    sa.UniqueConstraint("unit_code", "header_sha256"),
)  # fmt: skip

# ------------------------------------------------------------------------- tables of the 台账, imported or entered

project = sa.Table(
    "project", metadata,
    _key("project_id"), *_imported(),
    _text("project"), _text("approval_no", ""), _text("county_code"), _decimal("bulk_volume"),
    _text("approved_modes", ""), _text("actual_modes", ""), _text("exception_basis", ""), _text("stage", ""),
)  # fmt: skip

station_list = sa.Table(
    "station_list", metadata,
    _key("station_list_id"), *_imported(),
    _day("month"), _text("station"), _text("shipper"), _text("commodity"), _text("direction"),
    _decimal("tonnes"),
    sa.Index(None, "month", "station"),
)  # fmt: skip

task = sa.Table(
    "task", metadata,
    _key("task_id"), *_imported(),
    _text("task_code"), _text("measure"), _text("task"), _text("node", ""), _day("due_on", nullable=True),
    _text("responsible"), _text("supporting", ""), _decimal("progress", nullable=True),
    _text("state", "推进中"), _text("note", ""),
)  # fmt: skip

problem = sa.Table(
    "problem", metadata,
    _key("problem_id"), *_imported(),
    _text("problem_code"), _text("measure"), _text("task_code", ""), _text("county_code", ""),
    _text("problem"), _text("responsible"), _day("raised_on"), _day("due_on", nullable=True),
    _text("state", "未销号"), _day("closed_on", nullable=True), _text("closing_basis", ""),
)  # fmt: skip

commitment = sa.Table(
    "commitment", metadata,
    _key("commitment_id"), *_imported(),
    _text("unit_code"), _text("measure"), _decimal("tonnes"), _day("promised_on"), _day("due_on"),
    _text("basis", ""),
)  # fmt: skip

bill = sa.Table(
    "bill", metadata,
    _key("bill_id"), *_imported(),
    _day("month"), _text("operator"), _number("waybills"), _number("boxes"),
)  # fmt: skip

contact = sa.Table(
    "contact", metadata,
    _key("contact_id"), *_imported(),
    _text("unit_code"), _text("person"), _text("email"), _flag("is_active", default=True),
)  # fmt: skip

# ------------------------------------------------------------------------------------- what the program did

# ended_at is empty while it runs, and for good where the process was killed.
job_run = sa.Table(
    "job_run", metadata,
    _key("job_id"), _text("kind"), _text("actor"), _recorded_at(), sa.Column("ended_at", Moment),
    _text("outcome"), _text("message"), sa.Column("detail", sa.JSON, nullable=False),
)  # fmt: skip

# A wish to publish, written in the transaction that made it necessary; job_id says which build took it up.
build_request = sa.Table(
    "build_request", metadata,
    _key("request_id"), _text("reason"), _text("actor"), _recorded_at(),
    _link("job_id", "job_run.job_id", nullable=True),
)  # fmt: skip

# What an amendment did to published figures, as it was shown to whoever accepted it.
amendment_effect = sa.Table(
    "amendment_effect", metadata,
    _key("effect_id"), _link("submission_id", "submission.submission_id"),
    sa.Column("changes", sa.JSON, nullable=False), sa.Column("sentences", sa.JSON, nullable=False),
    _text("actor"), _recorded_at(),
    sa.Index(None, "submission_id"),
)  # fmt: skip

inbox_file = sa.Table(
    "inbox_file", metadata,
    _key("inbox_id"), _text("sha256"), _text("file_name"), _text("kind"), _flag("accepted"),
    _text("message"), _recorded_at(),
    sa.Index(None, "sha256"),
)  # fmt: skip

# A difference between a shipper's return and the station's list; party is a unit code, or a code that several
# units share where the station names no unit.
mirror_task = sa.Table(
    "mirror_task", metadata,
    _key("mirror_id"), _day("month"), _text("party"), _text("station"), _text("commodity"),
    _decimal("unit_tonnes"), _decimal("station_tonnes"), _text("state"), _recorded_at(),
    sa.UniqueConstraint("month", "party", "station", "commodity"),
)  # fmt: skip

mirror_note = sa.Table(
    "mirror_note", metadata,
    _key("note_id"), _link("mirror_id", "mirror_task.mirror_id"), _text("side"), _text("text"),
    _text("actor"), _recorded_at(),
    sa.Index(None, "mirror_id"),
)  # fmt: skip

# -------------------------------------------------------------------------------------------- who may come in

# name is the login name in its one spelling; past_hashes are of passwords used before, newest first.
# A temporary lock after wrong passwords lies in sign_in_failure, for names that do not exist too.
account = sa.Table(
    "account", metadata,
    _key("account_id"), _text("name"), _text("display_name"), _text("role"),
    sa.Column("counties", sa.JSON, nullable=False), sa.Column("units", sa.JSON, nullable=False),
    _text("department", ""), _text("state"), _day("expires_on", nullable=True),
    _text("password_hash", ""), sa.Column("past_hashes", sa.JSON, nullable=False),
    _day("password_expires_on", nullable=True), _flag("must_change", default=False),
    _text("oidc_issuer", ""), _text("oidc_subject", ""), _text("oidc_email", ""),
    sa.Column("last_sign_in_at", Moment), _recorded_at(),
    sa.UniqueConstraint("name"),
)  # fmt: skip

# The token itself stands in the browser's cookie only. viewing_id: the account that it looks as.
session = sa.Table(
    "session", metadata,
    _key("session_id"), _text("token_sha256"), _link("account_id", "account.account_id"),
    _link("viewing_id", "account.account_id", nullable=True), _text("way"), _recorded_at(),
    sa.Column("seen_at", Moment, nullable=False), sa.Column("ended_at", Moment), _text("ended_by", ""),
    sa.UniqueConstraint("token_sha256"),
    sa.Index(None, "account_id"),
)  # fmt: skip

sign_in_failure = sa.Table(
    "sign_in_failure", metadata,
    sa.Column("name_sha256", sa.Text, primary_key=True), _number("failures"),
    sa.Column("locked_until", Moment), _recorded_at(),
)  # fmt: skip

# detail stays the very text that was hashed; entry_id is counted here, not by the database,
# so that a removed entry leaves a hole.
audit_log = sa.Table(
    "audit_log", metadata,
    sa.Column("entry_id", sa.Integer, primary_key=True, autoincrement=False), _recorded_at(),
    _text("actor"), _text("action"), _text("subject"), _text("detail"),
    _text("previous_hash"), _text("hash"),
)  # fmt: skip


# What the first entry is chained to.
FIRST_HASH = "0" * 64
_NEWEST_ENTRY = (
    sa.select(audit_log.c.entry_id, audit_log.c.hash).order_by(audit_log.c.entry_id.desc()).limit(1)
)


def address(home: Path) -> str:
    """Where the ledger of a run-time folder lies: what RAILSHIFT_LEDGER_URL names, else a SQLite file in it."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{home / FILE_NAME}"


def open_ledger(home: Path, url: str | None = None) -> sa.Engine:
    """The ledger of a run-time folder, brought to the newest schema; the folder is made if missing.

    `url`: where it lies, if not at `address`. Errors: LedgerUnavailable where the database cannot be reached or
    is newer than this program.
    """
    home.mkdir(parents=True, exist_ok=True)
    engine = engine_of(home, url or address(home))
    try:
        version = version_of(engine)
        if version in WITHOUT_HEAD and version != HEAD:
            heads.begin(home, *_newest_entry(engine))
        if version != HEAD:
            migrate(engine)
    except exc.DBAPIError as error:
        engine.dispose()
        raise LedgerUnavailable(
            f"账本数据库无法打开：{error.orig}。请检查数据库服务或运行目录的权限与磁盘空间。"
        ) from error
    return engine


def version_of(engine: sa.Engine) -> str | None:
    """The schema's version. Empty: None for a database that holds no ledger. Errors: DBAPIError."""
    with reading(engine) as conn:
        if not sa.inspect(conn).has_table("alembic_version"):
            return None
        return conn.scalar(sa.text("SELECT version_num FROM alembic_version"))


def migrate(engine: sa.Engine, version: str = "head") -> None:
    """Bring the ledger to a version of the schema, the newest unless said, as one transaction.

    Errors: LedgerUnavailable for a ledger that a newer program has written.
    """
    # Alembic is slow to import and needed once in a ledger's life.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        # Not an act of whoever's page was the first to open the ledger.
        with engine.execution_options(railshift_unguarded=True).begin() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, version)
    except CommandError as error:
        raise LedgerUnavailable(
            f"账本由更新版本的程序建立，本程序无法使用：{error}。请升级 railshift。"
        ) from error


def append_only_gaps(conn: sa.Connection) -> list[str]:
    """Of the tables that are only added to those that the database would let somebody change. Empty: none."""
    if conn.dialect.name == "sqlite":
        found = conn.execute(sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger'")).scalars()
        known = {" ".join(text.split()) for text in found}
        wanted = {
            table: {
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                for change in ("UPDATE", "DELETE")
            }
            for table in APPEND_ONLY
        }
        return [table for table, triggers in wanted.items() if not triggers <= known]
    # tgtype 27: before each row's update and delete; 34: before a truncate. O and A: fires in any session.
    in_force = conn.execute(
        sa.text(
            "SELECT c.relname || ' ' || t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgtype IN (27, 34) AND t.tgenabled IN ('O', 'A') "
            "AND t.tgqual IS NULL AND p.proname = 'refuse_change' "
            "AND p.prosrc LIKE '%BEGIN RAISE EXCEPTION%is append-only%' "
            "AND c.relnamespace = current_schema()::regnamespace"
        )
    ).scalars()
    known = set(in_force)
    return [table for table in APPEND_ONLY if not {f"{table} 27", f"{table} 34"} <= known]


@contextmanager
def reading(engine: sa.Engine) -> Generator[sa.Connection]:
    """A connection that sees one state of the ledger and holds up no writer. Not for writing."""
    with engine.connect() as plain:
        conn = plain.execution_options(railshift_reader=True)
        if conn.dialect.name == "postgresql":
            conn = conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with conn.begin():
            yield conn


def add_row(conn: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    """Insert one row; returns the number that the ledger gave it."""
    return conn.execute(sa.insert(table).values(row).returning(*table.primary_key)).scalar_one()


def arrow_table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a table of exactly these columns and types. Empty: a table without rows, same types."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _nobody_refused() -> None:
    """What stands until `guard_writers` is called: the command line's writers need no session."""


_check_writer: Callable[[], None] = _nobody_refused


def guard_writers(check: Callable[[], None]) -> None:
    """Have `check` asked in this process before each transaction that may write; what it raises refuses it.

    The web application refuses so whoever is signed out or only looks, whatever the act and the way to it.
    """
    global _check_writer
    _check_writer = check


def engine_of(home: Path, url: str) -> sa.Engine:
    """Connections to a ledger, at whatever version it is; its audit head is noted in `home`."""
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgres", "postgresql"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(
            parsed,
            json_serializer=partial(json.dumps, ensure_ascii=False),
            # A server that was restarted since costs nobody an error.
            pool_pre_ping=True,
            # An error goes into the log, which holds no figures.
            hide_parameters=True,
        )
    except (exc.ArgumentError, ModuleNotFoundError) as error:
        raise LedgerUnavailable(
            f"{URL_VARIABLE} 无法使用：{error}。请改正连接地址，或安装该数据库的驱动。"
        ) from error
    sa_event.listen(engine, "begin", _begin)
    _keep_head_outside(engine, home)
    if engine.dialect.name == "sqlite":
        sa_event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _keep_head_outside(engine: sa.Engine, home: Path) -> None:
    """After each commit that added to the audit log its newest entry is noted in HOME/audit.head.

    SQLAlchemy speaks before it commits, and hands the connection back after: only then is it certain.
    """

    def committing(conn: sa.Connection) -> None:
        if conn.info.pop(AUDITED, False):
            conn.info[COMMITTING] = conn.execute(_NEWEST_ENTRY).one()

    def rolled_back(conn: sa.Connection) -> None:
        if not conn.invalidated:
            conn.info.pop(AUDITED, None)
            conn.info.pop(COMMITTING, None)

    def handed_back(raw: Any, record: Any) -> None:
        newest = record.info.pop(COMMITTING, None)
        record.info.pop(AUDITED, None)
        # Without a connection nobody knows whether it was committed.
        if newest is not None and raw is not None:
            heads.note(home, *newest)

    sa_event.listen(engine, "commit", committing)
    sa_event.listen(engine, "rollback", rolled_back)
    sa_event.listen(engine, "checkin", handed_back)


def _newest_entry(engine: sa.Engine) -> tuple[int, str]:
    with reading(engine) as conn:
        if not sa.inspect(conn).has_table(audit_log.name):
            return 0, FIRST_HASH
        newest = conn.execute(_NEWEST_ENTRY).first()
    return (newest.entry_id, newest.hash) if newest else (0, FIRST_HASH)


def _prepare_sqlite(raw: Any, _record: object) -> None:
    # The driver must not open transactions of its own, `_begin` does.
    raw.isolation_level = None
    raw.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000}")
    _switch_to_wal(raw)
    raw.execute("PRAGMA foreign_keys = ON")
    # Without it INSERT OR REPLACE would delete from a log past its trigger.
    raw.execute("PRAGMA recursive_triggers = ON")


def _switch_to_wal(raw: Any) -> None:
    # The switch needs the file to itself and does not ask the busy handler: two processes that open
    # a new ledger at once would have one of them refused, so that one asks again.
    give_up = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.02)


def _begin(conn: sa.Connection) -> None:
    """Open the transaction: a writer takes the one write lock now, a reader none."""
    options = conn.get_execution_options()
    reader = options.get("railshift_reader", False)
    if not reader and not options.get("railshift_unguarded", False):
        _check_writer()
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("BEGIN" if reader else "BEGIN IMMEDIATE")
    elif not reader:
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
