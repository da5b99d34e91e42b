"""Amendments: a submission as it would count, and what accepting it did to published figures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from etl.ledger.registry import in_force
from etl.ledger.schema import add_row, amendment_effect, stored_file, submission
from etl.ledger.submissions import ACCEPTED, ACCEPTED_ROWS, State, TransitionRefused
from etl.periods import now
from etl.plan import COUNTY, ENTERPRISE, Judgement
from etl.warehouse.effect import Accepted, Change, Effect


@dataclass(frozen=True)
class Revision:
    """What an accepted amendment did, as it was shown to whoever accepted it.

    `changes`: object_type, object, name, indicator, year, through, and on either side (None = no such figure)
    value and gap as exact fractions (text) and the verdict. Those with the same `recorded_at` were accepted
    together, and what they say of the city is of all of them.
    """

    submission_id: int
    unit_code: str
    month: date
    version: int
    reason: str
    sentences: tuple[str, ...]
    changes: tuple[dict, ...]
    actor: str
    recorded_at: datetime


def as_accepted(conn: sa.Connection, numbers: Sequence[int], day: date) -> list[Accepted]:
    """These submissions as if they were accepted on `day`.

    Errors: TransitionRefused for a number that there is not, or that is accepted already.
    """
    found = []
    for number in numbers:
        query = (
            sa.select(submission, stored_file.c.sha256.label("file_sha256"), stored_file.c.file_name)
            .join(stored_file, stored_file.c.file_id == submission.c.file_id)
            .where(submission.c.submission_id == number)
        )
        row = conn.execute(query).mappings().first()
        if row is None:
            raise TransitionRefused(f"没有编号为{number}的报表。请用 railshift review list 查看编号。")
        if State(row["state"]) in ACCEPTED:
            raise TransitionRefused(f"编号{number}的报表已{row['state']}，其影响已计入。请选择待审核的报表。")
        columns = {name: row[name] for name in ACCEPTED_ROWS.names} | {"accepted_on": day}
        found.append(Accepted(row["unit_code"], row["month"], columns))
    return found


def keep(conn: sa.Connection, effect: Effect, actor: str) -> None:
    """Keep an effect with each of its submissions, but for the figures of other units and their counties.

    What was accepted together has one `recorded_at`: its figures of the city are of all of it.
    """
    at, one = now(), submission.c
    for number in effect.submissions:
        query = sa.select(one.unit_code, one.month, one.accepted_on).where(one.submission_id == number)
        unit, month, accepted_on = conn.execute(query).one()
        in_registry = in_force(conn, month, accepted_on).get(unit)
        concerned = {ENTERPRISE: unit, COUNTY: in_registry["county_code"] if in_registry else ""}
        own = [each for each in effect.changes if concerned.get(each.object_type, each.object) == each.object]
        row = {
            "submission_id": number,
            "changes": [_change_json(one) for one in own],
            "sentences": Effect((number,), tuple(own)).sentences(),
            "actor": actor,
            "recorded_at": at,
        }
        add_row(conn, amendment_effect, row)


def revisions(conn: sa.Connection, units: Collection[str] | None = None) -> list[Revision]:
    """What accepted amendments did, newest first. `units`: only theirs."""
    kept, one = amendment_effect.c, submission.c
    query = (
        sa.select(
            kept.submission_id, one.unit_code, one.month, one.version, one.reason, kept.sentences,
            kept.changes, kept.actor, kept.recorded_at,
        )
        .join(submission, one.submission_id == kept.submission_id)
        .order_by(kept.effect_id.desc())
    )  # fmt: skip
    if units is not None:
        query = query.where(one.unit_code.in_(sorted(units)))
    return [
        Revision(*head, tuple(sentences), tuple(changes), actor, recorded_at)
        for *head, sentences, changes, actor, recorded_at in conn.execute(query)
    ]


def _change_json(change: Change) -> dict:
    return {
        "object_type": change.object_type,
        "object": change.object,
        "name": change.name,
        "indicator": change.indicator,
        "year": change.year,
        "through": change.through,
        "before": _figures_json(change.before),
        "after": _figures_json(change.after),
    }


def _figures_json(judgement: Judgement | None) -> dict | None:
    if judgement is None:
        return None
    value, gap = (None if one is None else str(one) for one in (judgement.value, judgement.gap))
    return {"value": value, "gap": gap, "verdict": judgement.verdict.value}
