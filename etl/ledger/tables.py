"""The tables that staff import or fill in, by name: where they lie, what a later row replaces, who may write.

Nothing is updated: a row lies on top of the earlier one of its key, and a look back leaves out what came later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.ledger import schema
from etl.ledger.recording import newest_import, newest_published, newest_row, record, typed
from etl.ledger.registry import in_force, unit_codes
from etl.roles import Actor, NotAllowed, Role

Row = dict[str, str]
STAFF = frozenset({Role.ANALYST})
# Whose tables, where they may write them, are theirs as a whole.
_UNBOUND = frozenset({Role.ADMIN, Role.RAILWAY})


@dataclass(frozen=True)
class LedgerTable:
    """`key`: what no two rows share. `group`: an import replaces all rows of it, not row by row.

    `months` are the fields that hold a month. `unit`, `county`, `department`: the fields that say whose a row is;
    `writers` beside STAFF write their own only. `is_built`: the warehouse is made of it. `masked`: the fields that
    are told in full only to those whose rows they are and to who reviews.
    """

    name: str
    title: str
    table: sa.Table
    key: tuple[str, ...]
    group: tuple[str, ...] = ()
    months: frozenset[str] = frozenset()
    unit: str = ""
    county: str = ""
    department: str = ""
    writers: frozenset[Role] = frozenset()
    readers: frozenset[Role] = frozenset()
    is_built: bool = False
    masked: frozenset[str] = frozenset()

    def is_written_by(self, role: Role) -> bool:
        """Whether the role keeps rows here; of some roles only its own."""
        return role in STAFF or role in self.writers

    def check_role(self, role: Role) -> None:
        """Errors: NotAllowed for a role that keeps no rows here."""
        if not self.is_written_by(role):
            raise NotAllowed(f"{role}不能登记{self.title}，请联系市交通运输局。")

    def known(self, day: date) -> sa.Subquery:
        """The rows that count on `day`."""
        if self.name == "official":
            return newest_published(self.table, self.key, day)
        if self.group:
            return newest_import(self.table, self.group, day)
        return newest_row(self.table, self.key, day)


_ALL = frozenset(Role)
_OFFICES = _ALL - {Role.ENTERPRISE}
_REVIEWERS = frozenset({Role.ANALYST, Role.COUNTY})
# Single units stay with those who review them, who move their goods' trains, and the leadership.
_SEES_UNITS = frozenset({Role.ENTERPRISE, Role.COUNTY, Role.ANALYST, Role.LEADER, Role.ADMIN})
TABLES = {
    entry.name: entry
    for entry in (
        LedgerTable(
            "registry", "名录", schema.registry, ("unit_code", "valid_from"),
            months=frozenset({"due_from", "due_to"}), unit="unit_code", county="county_code",
            writers=frozenset({Role.ADMIN}), readers=_SEES_UNITS, is_built=True,
        ),
        LedgerTable(
            "spurs", "专用线台账", schema.spur, ("spur_code", "user_code", "use_from"),
            group=("spur_code", "user_code"), unit="user_code", writers=frozenset({Role.ADMIN}),
            readers=_SEES_UNITS | {Role.RAILWAY}, is_built=True,
        ),
        LedgerTable(
            "official", "官方数", schema.official,
            (
                "month", "mode", "object_type", "object", "commodity", "period_kind", "caliber", "operator",
                "status", "published_on",
            ),
            months=frozenset({"month"}), writers=frozenset({Role.RAILWAY}), readers=_OFFICES, is_built=True,
        ),
        LedgerTable(
            "targets", "分解目标", schema.target, ("year", "indicator", "object_type", "object"), readers=_OFFICES,
            is_built=True,
        ),
        LedgerTable(
            "events", "事件", schema.event, ("date", "object_type", "object", "note"), readers=_OFFICES,
            is_built=True,
        ),
        LedgerTable(
            "projects", "新改扩建项目", schema.project, ("project",), county="county_code",
            writers=frozenset({Role.COUNTY}), readers=_OFFICES,
        ),
        LedgerTable(
            "station_list", "站方清单", schema.station_list,
            ("month", "station", "shipper", "commodity", "direction"), group=("month", "station"),
            months=frozenset({"month"}), unit="shipper", writers=frozenset({Role.RAILWAY}),
            readers=_SEES_UNITS | {Role.RAILWAY},
        ),
        LedgerTable(
            "tasks", "重点任务", schema.task, ("task_code",), department="responsible",
            writers=frozenset({Role.DEPARTMENT}), readers=_OFFICES,
        ),
        LedgerTable(
            "problems", "问题清单", schema.problem, ("problem_code",), county="county_code",
            department="responsible", writers=frozenset({Role.DEPARTMENT, Role.COUNTY}), readers=_OFFICES,
        ),
        LedgerTable(
            "commitments", "承诺", schema.commitment, ("unit_code", "measure", "due_on"), unit="unit_code",
            writers=frozenset({Role.COUNTY}), readers=_SEES_UNITS,
        ),
        LedgerTable(
            "bills", "一单制", schema.bill, ("month", "operator"), months=frozenset({"month"}),
            writers=frozenset({Role.RAILWAY}), readers=_OFFICES,
        ),
        LedgerTable(
            "contacts", "联系人", schema.contact, ("unit_code", "email"), unit="unit_code",
            writers=frozenset({Role.ADMIN, Role.ENTERPRISE}),
            readers=frozenset({Role.ENTERPRISE, Role.COUNTY, Role.ANALYST, Role.ADMIN}),
            masked=frozenset({"person", "email"}),
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Entered:
    """A row as it was recorded: when, by whom, from which file (or 页面录入)."""

    row: Row
    recorded_at: datetime
    actor: str
    source: str


def rows_as_of(conn: sa.Connection, name: str, day: date) -> list[Row]:
    """The rows known on `day`, every field as the text that its import was, in the order of the key.

    Errors: KeyError for a table that does not exist.
    """
    entry = TABLES[name]
    known, fields = entry.known(day), _fields(entry)
    query = sa.select(*(known.c[field] for field in fields))
    rows = [_as_text(entry, fields, row) for row in conn.execute(query)]
    return sorted(rows, key=lambda row: tuple(row[field] for field in entry.key))


def bring(
    conn: sa.Connection, name: str, rows: Sequence[Row], recorded_on: date, source: str, actor: Actor
) -> int:
    """Append the validated rows of a file, known from `recorded_on`; returns how many.

    Errors: NotAllowed for a table or a row that is not the actor's, KeyError for an unknown table.
    """
    entry = TABLES[name]
    _check_rights(conn, entry, rows, actor, recorded_on)
    return record(conn, entry.table, rows, recorded_on, source, actor.name)


def enter(
    conn: sa.Connection, name: str, rows: Sequence[Row], recorded_on: date, source: str, actor: Actor
) -> int:
    """Append single rows: as `bring`, but where a file replaces a whole group the other rows stay."""
    entry = TABLES[name]
    _check_rights(conn, entry, rows, actor, recorded_on)
    if entry.group:
        groups = {_of(row, entry.group) for row in rows}
        keys = {_of(row, entry.key) for row in rows}
        others = [
            row
            for row in rows_as_of(conn, name, recorded_on)
            if _of(row, entry.group) in groups and _of(row, entry.key) not in keys
        ]
        rows = [*others, *rows]
    return record(conn, entry.table, rows, recorded_on, source, actor.name)


def visible(
    conn: sa.Connection,
    name: str,
    rows: Iterable[Row],
    role: Role,
    counties: frozenset[str] | None,
    units: frozenset[str] | None,
    day: date,
) -> list[Row]:
    """The rows that a role may see: a county those of its units, an enterprise its own.

    Empty: also where the role does not see the table at all.
    """
    entry = TABLES[name]
    if role not in entry.readers:
        return []
    if is_masked(name, role):
        rows = [{f: _hidden(text) if f in entry.masked else text for f, text in row.items()} for row in rows]
    if counties is None and units is None:
        return [row for row in rows if role in _SEES_UNITS or row.get("object_type") != "企业"]
    seen = units if units is not None else frozenset(_units_of(conn, counties or frozenset(), day))
    codes = unit_codes(conn, day)
    return [row for row in rows if _is_seen(entry, row, counties, seen, codes)]


def is_masked(name: str, role: Role) -> bool:
    """Whether a role reads parts of the table's cells only. Errors: KeyError for an unknown table."""
    return bool(TABLES[name].masked) and role not in _REVIEWERS | {Role.ENTERPRISE}


def history(conn: sa.Connection, name: str, key: Sequence[str], day: date) -> list[Entered]:
    """What was recorded under a key by `day`, newest first; what only repeats the row before is left out.

    Empty: nothing was. Errors: KeyError for an unknown table.
    """
    entry, run = TABLES[name], schema.import_run
    fields = _fields(entry)
    columns = [entry.table.c[field] for field in entry.key]
    same = [column == typed(column, text) for column, text in zip(columns, key, strict=True)]
    query = (
        sa.select(
            *(entry.table.c[field] for field in fields), entry.table.c.recorded_at, run.c.actor, run.c.source
        )
        .join_from(entry.table, run, entry.table.c.import_id == run.c.import_id)
        .where(*same, entry.table.c.recorded_on <= day)
        .order_by(entry.table.c.import_id, *entry.table.primary_key)
    )
    found: list[Entered] = []
    for *values, recorded_at, actor, source in conn.execute(query):
        row = _as_text(entry, fields, values)
        if not found or found[-1].row != row:
            found.append(Entered(row, recorded_at, actor, source))
    return found[::-1]


def own(conn: sa.Connection, name: str, rows: Iterable[Row], actor: Actor, day: date) -> list[Row]:
    """The rows of a table that the actor may replace. Empty: also where the role does not write it."""
    entry = TABLES[name]
    if actor.role not in STAFF | entry.writers:
        return []
    if actor.role in STAFF | _UNBOUND:
        return list(rows)
    return [row for row in rows if _is_own(conn, entry, row, actor, day)]


def _is_seen(
    entry: LedgerTable,
    row: Row,
    counties: frozenset[str] | None,
    units: frozenset[str],
    codes: Mapping[str, str | None],
) -> bool:
    if entry.unit:
        return (codes.get(row[entry.unit]) or row[entry.unit]) in units
    if entry.county:
        return not row[entry.county] or row[entry.county] in (counties or ())
    kind, object_ = row.get("object_type"), row.get("object", "")
    if kind == "企业":
        return (codes.get(object_) or object_) in units
    return kind != "县区" or object_ in (counties or ())


def _check_rights(
    conn: sa.Connection, entry: LedgerTable, rows: Sequence[Row], actor: Actor, day: date
) -> None:
    if actor.role in STAFF:
        return
    entry.check_role(actor.role)
    if actor.role in _UNBOUND:
        return
    # Whose a row is, is asked of the one that stands too: nobody takes over another's.
    keys = {_of(row, entry.key) for row in rows}
    standing = [row for row in rows_as_of(conn, entry.name, day) if _of(row, entry.key) in keys]
    for row in [*rows, *standing]:
        if not _is_own(conn, entry, row, actor, day):
            raise NotAllowed(f"{entry.title}“{'、'.join(_of(row, entry.key))}”不属于{actor.name}，未登记。")


def _is_own(conn: sa.Connection, entry: LedgerTable, row: Row, actor: Actor, day: date) -> bool:
    if actor.role is Role.DEPARTMENT:
        return bool(actor.department) and row[entry.department] == actor.department
    if actor.role is Role.COUNTY and entry.county:
        return row[entry.county] in (actor.counties or ())
    code = unit_codes(conn, day).get(row[entry.unit]) or row[entry.unit]
    if actor.role is Role.COUNTY:
        return code in _units_of(conn, actor.counties or frozenset(), day)
    return code in (actor.units or ())


def _units_of(conn: sa.Connection, counties: frozenset[str], day: date) -> set[str]:
    rows = in_force(conn, day.replace(day=1), day)
    return {unit for unit, row in rows.items() if row["county_code"] in counties}


_STAMPS = {"import_id", "recorded_on", "recorded_at"}


def _fields(entry: LedgerTable) -> list[str]:
    return [c.name for c in entry.table.columns if not c.primary_key and c.name not in _STAMPS]


def _as_text(entry: LedgerTable, fields: Sequence[str], values: Sequence[object]) -> Row:
    return {field: _text(value, field in entry.months) for field, value in zip(fields, values, strict=True)}


def _hidden(text: str) -> str:
    """The first letter, and a number of stars that tells no length."""
    return f"{text[:1]}***" if text else ""


def _of(row: Row, fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(row[field] for field in fields)


def _text(value: object, is_month: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, date):
        return f"{value:%Y-%m}" if is_month else value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
