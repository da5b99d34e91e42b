"""Values against targets: the words, the order in which they decide, the lights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from etl.targets import Plan

NO_TARGET, TO_BE_RULED, NOT_YET, NOT_OBLIGED = "无目标", "待认定", "未到考核年", "无义务"
NO_TRAFFIC, NOT_ENOUGH = "无适用运量", "数据不足以判定"
MET, UNMET, ON_PACE, BEHIND = "达标", "未达标", "在进度上", "落后"
JUDGED = (MET, UNMET, ON_PACE, BEHIND)
WORDS = (NO_TARGET, TO_BE_RULED, NOT_YET, NOT_OBLIGED, NO_TRAFFIC, NOT_ENOUGH, *JUDGED)


@dataclass(frozen=True)
class Goal:
    """The number to compare with, and whether the plan judges the year by it. Empty: value None."""

    value: Fraction | None
    is_judged: bool


def goal(plan: Plan, indicator: str, year: int) -> Goal:
    """The plan's target of a year. Years of `shown_before` show the gap and are not judged."""
    target = plan.targets.get(indicator)
    if target is None:
        return Goal(None, False)
    if year in target.values:
        return Goal(Fraction(target.values[year]), True)
    if year in target.shown_before:
        return Goal(Fraction(target.shown_before[year]), False)
    return Goal(None, False)


def met_word(is_met: bool, through: int) -> str:
    if through == 12:
        return MET if is_met else UNMET
    return ON_PACE if is_met else BEHIND


def share_verdict(
    goal_of_year: Goal,
    through: int,
    value: Fraction | None,
    ends: tuple[Fraction, Fraction] | None,
    *,
    is_ruling_missing: bool,
) -> str:
    """The word for a share. `ends` None = the denominator is known to be empty."""
    if goal_of_year.value is None:
        return NO_TARGET
    if is_ruling_missing:
        return TO_BE_RULED
    if not goal_of_year.is_judged:
        return NOT_YET
    if ends is None:
        return NO_TRAFFIC
    is_met_low, is_met_high = (end >= goal_of_year.value for end in ends)
    if value is None or is_met_low != is_met_high:
        return NOT_ENOUGH
    return met_word(value >= goal_of_year.value, through)


def share_light(plan: Plan, verdict: str, value: Fraction | None, target: Fraction | None) -> str | None:
    """绿 where the target is met, 黄 up to so many 个百分点 short, else 红. Empty: None = not judged."""
    if verdict not in JUDGED or value is None or target is None:
        return None
    if value >= target:
        return "绿"
    return "黄" if (target - value) * 100 <= Fraction(plan.share_yellow_pp) else "红"


def pace_light(plan: Plan, verdict: str, value: Fraction | None, pace: Fraction | None) -> str | None:
    """By 序时完成率 in percent. Empty: None = not judged."""
    if verdict not in JUDGED or value is None or pace is None:
        return None
    percent = value / pace * 100
    if percent >= Fraction(plan.pace_green):
        return "绿"
    return "黄" if percent >= Fraction(plan.pace_yellow) else "红"
