"""The mirror check: what units say they sent by rail, against what the stations loaded for them that month.

Only what both sides have said is compared: a station's month without a list is no difference, and neither is a
unit's month without an accepted return.
"""

from __future__ import annotations

import tempfile
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from etl.ledger import mirror, registry, submissions, tables
from etl.ledger.mirror import Compared, Difference, Matter
from etl.ledger.schema import reading
from etl.periods import month_of
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed, Role
from etl.warehouse.build import CONFIG, ROWS, TONNES
from etl.warehouse.scope import Scope

SHIFTED = "26—25日"
PARK = "物流园区"
SIDES = {Role.ENTERPRISE: "企业", Role.RAILWAY: "铁路", Role.COUNTY: "审核", Role.ANALYST: "审核"}
_SQL = resources.files("etl.warehouse") / "sql" / "load" / "mirror.sql"


class NoSuchDifference(Exception):
    """No difference of this number, or no word about it; the message (Chinese) says what to do."""


def compare(work: Workplace) -> list[Compared]:
    """Every flow that both sides speak of, in the order of its month. Empty: no station gave a list.

    Errors: duckdb.Error where a file of rows is gone.
    """
    with reading(work.ledger) as connection:
        lists = tables.rows_as_of(connection, "station_list", work.today)
        months = sorted({month_of(row["month"]) for row in lists})
        accepted = [
            row
            for row in submissions.accepted_as_of(connection, work.today).to_pylist()
            if row["month"] in months
        ]
        codes = registry.unit_codes(connection, work.today)
        units = registry.in_force(connection, months[-1], work.today) if months else {}
    sent = [row for row in lists if row["direction"] == "发运"]
    by_code: dict[str, list[str]] = {}
    for unit, row in units.items():
        by_code.setdefault(row["uscc"], []).append(unit)
    # Where the station names only the code that several units share, they answer together.
    shared = {row["shipper"] for row in sent if len(by_code.get(row["shipper"], ())) > 1}
    party = {unit: row["uscc"] if row["uscc"] in shared else unit for unit, row in units.items()}
    files = sorted({row["rows_file"] for row in accepted if row["rows_file"] and not row["is_zero"]})
    if not sent:
        return []

    def party_of(shipper: str) -> str:
        unit = codes.get(shipper) or shipper
        return shipper if shipper in shared else party.get(unit, unit)

    given = {
        "file_names": pa.table(
            {
                "path": pa.array([str(work.home / file) for file in files], pa.string()),
                "rows_file": pa.array(files, pa.string()),
            }
        ),
        "accepted": _texts(accepted, ("unit_code", "rows_file"), month=[row["month"] for row in accepted]),
        "unit_party": pa.table(
            {
                "unit_code": pa.array(party, pa.string()),
                "party": pa.array(party.values(), pa.string()),
                "is_shifted": [units[unit]["period_basis"] == SHIFTED for unit in party],
                "is_park": [units[unit]["kind"] == PARK for unit in party],
            }
        ),
        "list_row": _texts(
            [row | {"party": party_of(row["shipper"])} for row in sent],
            ("party", "station", "commodity"),
            month=[month_of(row["month"]) for row in sent],
            tonnes=pa.array([Decimal(row["tonnes"]) for row in sent], TONNES),
        ),
        "rail_mode": pa.table({"mode": [mode.name for mode in work.declared.modes if mode.rail]}),
        "unit_name": pa.table(
            {
                "word": pa.array(codes, pa.string()),
                "unit_code": pa.array(codes.values(), pa.string()),
            }
        ),
    }
    plan = work.declared.plan
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect(config=CONFIG) as connection:
        # So that there is a file to read where every return is a 零申报; file_names does not know it.
        nothing = Path(scratch) / "nothing.parquet"
        pq.write_table(ROWS.empty_table().drop_columns("rows_file"), nothing)
        for name, table in given.items():
            connection.register(name, table)
        found = connection.execute(
            _SQL.read_text(encoding="utf-8"),
            {
                "paths": [str(nothing), *(str(work.home / file) for file in files)],
                "day_share": plan.switch("mirror_day_share"),
                "period_share": plan.switch("mirror_period_share"),
            },
        ).fetchall()
    return [Compared(*row) for row in found]


def refresh(work: Workplace) -> dict[str, int]:
    """Compare again and open, reopen or close differences; says how many of each."""
    compared = compare(work)
    with work.ledger.begin() as connection:
        return mirror.take_over(connection, compared)


def differences(work: Workplace, scope: Scope) -> list[Difference]:
    """The differences that the scope may see, open ones first: an enterprise's its own, a county's its units'.

    Empty: also for a role that sees no single unit's trains.
    """
    with reading(work.ledger) as connection:
        found = mirror.differences(connection)
        rows = [{"shipper": one.party} for one in found]
        seen = tables.visible(
            connection, "station_list", rows, scope.role, scope.counties, scope.units, work.today
        )
        parties = {row["shipper"] for row in seen}
        parties |= _shared_by(work.today, connection, scope)
    return [one for one in found if one.party in parties]


def open_count(work: Workplace, scope: Scope) -> int:
    """How many differences that the scope may see wait for a word."""
    return sum(one.state is Matter.OPEN for one in differences(work, scope))


def explain(work: Workplace, mirror_id: int, text: str, actor: Actor) -> None:
    """Say why a difference is one; that closes it until its tonnes change.

    Errors: NoSuchDifference, also for an empty text; NotAllowed for whom it does not concern.
    """
    if not text.strip():
        raise NoSuchDifference("请写明差异的原因。")
    if actor.role not in SIDES:
        raise NotAllowed("核对事项由填报单位、铁路和审核人说明。")
    scope = Scope(actor.role, actor.name, actor.counties, actor.units)
    if mirror_id not in {one.mirror_id for one in differences(work, scope)}:
        raise NoSuchDifference(f"没有编号为{mirror_id}的核对事项。请用 railshift mirror list 查看编号。")
    with work.ledger.begin() as connection:
        mirror.explain(connection, mirror_id, SIDES[actor.role], text.strip(), actor.name)


def _shared_by(day: date, connection: sa.Connection, scope: Scope) -> set[str]:
    """Codes that several units share, where the scope sees one of them."""
    rows = registry.in_force(connection, day.replace(day=1), day)
    units = [{"unit_code": unit, "county_code": row["county_code"]} for unit, row in rows.items()]
    seen = tables.visible(connection, "registry", units, scope.role, scope.counties, scope.units, day)
    return {rows[row["unit_code"]]["uscc"] for row in seen}


def _texts(rows: list[dict], names: tuple[str, ...], **more: object) -> pa.Table:
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
    columns["month"] = pa.array(more.pop("month"), pa.date32())
    return pa.table(columns | more)
