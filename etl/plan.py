"""The plan's targets against what was measured: the only place that judges.

`judge()` takes evidence (R, Q, M, reports, or an official total) and gives value, gap, interval,
verdict and light in exact fractions. Nothing here rounds; nothing else in the project compares a
value with a target. Source: 忻政办发〔2023〕7号（二）（五）; readings in DECISIONS.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import singledispatch

from etl.targets import Plan

CITY, COUNTY, CORRIDOR, ENTERPRISE = "全市", "县区", "通道", "企业"


class Verdict(StrEnum):
    """What can be said; where several hold, the first in this order is said.

    WITHHELD stands apart: the figure is there, and the reader may not have it.
    """

    NO_TARGET = "无目标"
    RULING_MISSING = "待认定"
    NOT_YET = "未到考核年"
    NOT_OBLIGED = "无义务"
    NO_TRAFFIC = "无适用运量"
    INSUFFICIENT = "数据不足以判定"
    MET = "达标"
    MISSED = "未达标"
    ON_PACE = "在进度上"
    BEHIND = "落后"
    WITHHELD = "不予显示"


class Light(StrEnum):
    GREEN = "绿"
    YELLOW = "黄"
    RED = "红"


@dataclass(frozen=True)
class Subject:
    """What is judged: an indicator for one object over January to `through` of a year."""

    indicator: str
    object_type: str
    object: str
    year: int
    through: int


@dataclass(frozen=True)
class ShareEvidence:
    """R, Q and M of a share. Units: tonnes.

    `missing` is ΣM of the known missing returns; `unknown_units` have a missing return of unknown
    size. `awaits_ruling` names a ruling of the bureau without which the population is undefined.
    """

    subject: Subject
    numerator: Decimal
    denominator: Decimal
    road: Decimal
    left_out: Decimal
    missing: Fraction
    unknown_units: tuple[str, ...]
    reports_expected: int
    reports_received: int
    awaits_ruling: str = ""


@dataclass(frozen=True)
class WithheldEvidence:
    """A share that would tell the reader of a single enterprise: nothing of it but whose it is."""

    subject: Subject


@dataclass(frozen=True)
class OfficialEvidence:
    """An official total. Units: 万吨. `value` None = nothing published for the period.

    `target` None = none set; `target_basis` says whose target it is (方案 / 分解 / 按基年占比分摊).
    """

    subject: Subject
    value: Decimal | None
    complete: bool
    target: Fraction | None
    target_basis: str
    caliber: str
    caliber_pending: bool
    caliber_conflict: bool
    reports_expected: int
    reports_received: int


@dataclass(frozen=True)
class ObligationEvidence:
    """One unit's yearly bulk tonnes against the bound of 150万吨, and its spur. Units: tonnes.

    `tonnes` is what is known, `highest` what it could be with the missing returns (None = unknown
    size); `state` is one of 自有 共用 租用 在建 未建 豁免.
    """

    subject: Subject
    tonnes: Decimal
    highest: Fraction | None
    could_be_obliged: bool
    in_catalogue: bool | None
    has_access: bool
    state: str
    reports_expected: int
    reports_received: int


@dataclass(frozen=True)
class AccessEvidence:
    """The units' obligations, gathered for a city or a county."""

    subject: Subject
    units: tuple[Judgement, ...]
    reports_expected: int
    reports_received: int


@dataclass(frozen=True)
class Judgement:
    """What `judge()` says. Shares are 0–1, gaps of shares tonnes, K1 万吨.

    None: no value (empty denominator, nothing published, withheld), no target, no gap. `interval` and
    `left_out` are None too where the reader may not have them.
    """

    subject: Subject
    value: Fraction | None
    unit: str
    numerator: Fraction
    denominator: Fraction
    target: Fraction | None
    verdict: Verdict
    light: Light | None
    interval: tuple[Fraction, Fraction | None] | None
    reports_expected: int
    reports_received: int
    gap: Fraction | None = None
    gap_added: Fraction | None = None
    gap_pace: Fraction | None = None
    pace_rate: Fraction | None = None
    shiftable: Fraction | None = None
    left_out: Fraction | None = Fraction(0)
    unknown_units: tuple[str, ...] = ()
    awaits_ruling: str = ""
    target_basis: str = ""
    caliber: str = ""
    caliber_pending: bool = False
    obliged: bool | None = None
    spur: str = ""
    has_access: bool = False
    exempt: int = 0

    @property
    def unshiftable(self) -> Fraction | None:
        """What no road tonnes are there to close (无可转公路运量). Units: tonnes."""
        if self.gap is None or self.shiftable is None:
            return None
        return self.gap - self.shiftable

    @property
    def is_withheld(self) -> bool:
        return self.verdict is Verdict.WITHHELD

    @property
    def is_complete(self) -> bool:
        """No return of the population is missing."""
        return self.reports_expected == self.reports_received and not self.unknown_units


@singledispatch
def judge(evidence: object, plan: Plan) -> Judgement:
    """Value, gap, interval, verdict and light of one piece of evidence.

    Errors: TypeError for anything that is not evidence.
    """
    raise TypeError(type(evidence).__name__)


@judge.register
def _(evidence: ShareEvidence, plan: Plan) -> Judgement:
    subject = evidence.subject
    rail, total = Fraction(evidence.numerator), Fraction(evidence.denominator)
    value = rail / total if total else None
    interval = _share_interval(evidence, rail, total)
    target, not_yet = _share_target(plan, subject)
    gap = added = shiftable = None
    if target is not None and value is not None:
        gap = max(Fraction(0), target * total - rail)
        shiftable = min(gap, Fraction(evidence.road))
        added = gap / (1 - target) if target < 1 else None
    is_complete = evidence.reports_expected == evidence.reports_received and not evidence.unknown_units
    # A missing return is never 0: only a population that has reported is known to be empty.
    known_empty = value is None and is_complete
    if target is None:
        verdict = Verdict.NO_TARGET
    elif evidence.awaits_ruling:
        verdict = Verdict.RULING_MISSING
    elif not_yet:
        verdict = Verdict.NOT_YET
    elif known_empty:
        verdict = Verdict.NO_TRAFFIC
    elif value is None or (interval[0] >= target) != (interval[1] >= target):
        verdict = Verdict.INSUFFICIENT
    else:
        verdict = _met(value >= target, subject)
    return Judgement(
        subject=subject,
        value=value,
        unit="share",
        numerator=rail,
        denominator=total,
        target=target,
        verdict=verdict,
        light=_share_light(plan, value, target, verdict),
        interval=None if known_empty else interval,
        reports_expected=evidence.reports_expected,
        reports_received=evidence.reports_received,
        gap=gap,
        gap_added=added,
        shiftable=shiftable,
        left_out=Fraction(evidence.left_out),
        unknown_units=evidence.unknown_units,
        awaits_ruling=evidence.awaits_ruling,
    )


@judge.register
def _(evidence: WithheldEvidence, plan: Plan) -> Judgement:
    return Judgement(
        subject=evidence.subject,
        value=None,
        unit="share",
        numerator=Fraction(0),
        denominator=Fraction(0),
        target=_share_target(plan, evidence.subject)[0],
        verdict=Verdict.WITHHELD,
        light=None,
        interval=None,
        reports_expected=0,
        reports_received=0,
        left_out=None,
    )


@judge.register
def _(evidence: OfficialEvidence, plan: Plan) -> Judgement:
    subject, target = evidence.subject, evidence.target
    value = None if evidence.value is None else Fraction(evidence.value)
    path = None if target is None else pace(target, subject.through)
    bound = path if subject.through < 12 else target
    if bound is None or evidence.target_basis == BASE_SHARE:
        verdict = Verdict.NO_TARGET
    elif evidence.caliber_conflict:
        verdict = Verdict.RULING_MISSING
    elif value is None:
        verdict = Verdict.INSUFFICIENT
    elif not evidence.complete and value < bound:
        # A total with a month missing can only grow: reaching the bound already settles it.
        verdict = Verdict.INSUFFICIENT
    else:
        verdict = _met(value >= bound, subject)
    gap = gap_pace = rate = None
    if value is not None and target is not None and path:
        gap, gap_pace, rate = target - value, path - value, value / path
    return Judgement(
        subject=subject,
        value=value,
        unit="万吨",
        numerator=value or Fraction(0),
        denominator=target or Fraction(0),
        target=target,
        verdict=verdict,
        light=_pace_light(plan, rate) if verdict in _DECIDED else None,
        # A month that is missing can only add to the sum of the known.
        interval=None if value is None else (value, value if evidence.complete else None),
        reports_expected=evidence.reports_expected,
        reports_received=evidence.reports_received,
        gap=gap,
        gap_pace=gap_pace,
        pace_rate=rate,
        target_basis=evidence.target_basis,
        caliber=evidence.caliber,
        caliber_pending=evidence.caliber_pending,
    )


@judge.register
def _(evidence: ObligationEvidence, plan: Plan) -> Judgement:
    subject, bound = evidence.subject, Fraction(plan.obliged_tonnes)
    tonnes = Fraction(evidence.tonnes)
    by_tonnes = evidence.could_be_obliged and evidence.in_catalogue is None
    reaches = tonnes >= bound
    might_reach = evidence.highest is None or evidence.highest >= bound
    obliged: bool | None = evidence.could_be_obliged and (
        evidence.in_catalogue is True or (by_tonnes and reaches)
    )
    if by_tonnes and not reaches and might_reach:
        obliged = None
    if subject.year not in plan.targets["K4"].values:
        verdict = Verdict.NO_TARGET
    elif obliged is None:
        verdict = Verdict.INSUFFICIENT
    elif not obliged:
        verdict = Verdict.NOT_OBLIGED
    else:
        verdict = _met(evidence.has_access, subject)
    return Judgement(
        subject=subject,
        value=tonnes,
        unit="吨",
        numerator=Fraction(int(bool(obliged) and evidence.has_access)),
        denominator=Fraction(int(bool(obliged))),
        target=bound,
        verdict=verdict,
        light=_access_light(verdict),
        interval=(tonnes, evidence.highest),
        reports_expected=evidence.reports_expected,
        reports_received=evidence.reports_received,
        obliged=obliged,
        spur=evidence.state,
        has_access=evidence.has_access,
        exempt=int(evidence.state == EXEMPT),
    )


@judge.register
def _(evidence: AccessEvidence, plan: Plan) -> Judgement:
    subject = evidence.subject
    obliged = [u for u in evidence.units if u.obliged]
    open_units = [u for u in evidence.units if u.obliged is None]
    total, access = len(obliged), sum(int(u.numerator) for u in obliged)
    open_access = sum(u.has_access for u in open_units)
    value = Fraction(access, total) if total else None
    low_total = total + len(open_units) - open_access
    high_total = total + open_access
    interval = (
        Fraction(access, low_total) if low_total else Fraction(int(not open_units)),
        Fraction(access + open_access, high_total) if high_total else Fraction(1),
    )
    target, not_yet = _share_target(plan, subject)
    if target is None:
        verdict = Verdict.NO_TARGET
    elif not_yet:
        verdict = Verdict.NOT_YET
    elif value is None and not open_units:
        verdict = Verdict.NO_TRAFFIC
    elif value is None or (interval[0] >= target) != (interval[1] >= target):
        verdict = Verdict.INSUFFICIENT
    else:
        verdict = _met(value >= target, subject)
    return Judgement(
        subject=subject,
        value=value,
        unit="share",
        numerator=Fraction(access),
        denominator=Fraction(total),
        target=target,
        verdict=verdict,
        light=_share_light(plan, value, target, verdict),
        interval=interval if value is not None or open_units else None,
        reports_expected=evidence.reports_expected,
        reports_received=evidence.reports_received,
        gap=Fraction(total - access) if total and target is not None else None,
        unknown_units=tuple(u.subject.object for u in open_units),
        exempt=sum(u.exempt for u in obliged),
    )


BASE_SHARE = "按基年占比分摊"
EXEMPT = "豁免"
_DECIDED = {Verdict.MET, Verdict.MISSED, Verdict.ON_PACE, Verdict.BEHIND}


def pace(target: Fraction, months: int) -> Fraction:
    """序时: what a straight line to `target` asks for after `months` of twelve. Units: as target."""
    return target * months / 12


def collective_gap(judgements: Iterable[Judgement]) -> Fraction:
    """Σ of each one's own gap: not the collective gap, for those above the target hide nobody here."""
    return sum((j.gap for j in judgements if j.gap is not None), Fraction(0))


def by_gap(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Sorted by what has to be shifted, most first; without a gap last; then by tonnes, then by object."""
    return sorted(
        judgements, key=lambda j: (j.gap is None, -(j.gap or Fraction(0)), -j.denominator, j.subject.object)
    )


def _share_interval(evidence: ShareEvidence, rail: Fraction, total: Fraction) -> tuple[Fraction, Fraction]:
    whole = total + evidence.missing
    unit_unknown = evidence.unknown_units and evidence.subject.object_type == ENTERPRISE
    if not whole or unit_unknown:
        return Fraction(0), Fraction(1)
    return rail / whole, (rail + evidence.missing) / whole


def _share_target(plan: Plan, subject: Subject) -> tuple[Fraction | None, bool]:
    """The target of a share, and whether its year of assessment is still to come."""
    target = plan.targets.get(subject.indicator)
    if target is None:
        return None, False
    if subject.year in target.values:
        return Fraction(target.values[subject.year]), False
    if subject.year in target.shown_before:
        return Fraction(target.shown_before[subject.year]), True
    return None, False


def _met(is_met: bool, subject: Subject) -> Verdict:
    if subject.through < 12:
        return Verdict.ON_PACE if is_met else Verdict.BEHIND
    return Verdict.MET if is_met else Verdict.MISSED


def _share_light(
    plan: Plan, value: Fraction | None, target: Fraction | None, verdict: Verdict
) -> Light | None:
    if value is None or target is None or verdict not in _DECIDED:
        return None
    if value >= target:
        return Light.GREEN
    short_pp = (target - value) * 100
    return Light.YELLOW if short_pp <= plan.share_yellow_pp else Light.RED


def _access_light(verdict: Verdict) -> Light | None:
    if verdict not in _DECIDED:
        return None
    return Light.GREEN if verdict in (Verdict.MET, Verdict.ON_PACE) else Light.RED


def _pace_light(plan: Plan, rate: Fraction | None) -> Light | None:
    if rate is None:
        return None
    if rate * 100 >= plan.pace_green:
        return Light.GREEN
    return Light.YELLOW if rate * 100 >= plan.pace_yellow else Light.RED
