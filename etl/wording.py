"""Numbers and verdicts as Chinese text. Rounds half up, and only here.

No thousands separators in text; 万吨 and % exist only in what is shown. A rounded figure never
contradicts its verdict: digits are added until it stands on the right side of the target.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from etl.plan import Judgement, Light, Verdict

Number = Fraction | Decimal | int

NONE = "—"
WITHHELD = "因涉及单个企业，不予显示"
VERDICT_WORDS = {
    Verdict.NO_TARGET: "方案未设年度目标",
    Verdict.RULING_MISSING: "待认定",
    Verdict.NOT_YET: "未到考核时点，当前值供参考",
    Verdict.NOT_OBLIGED: "无义务",
    Verdict.NO_TRAFFIC: "本期无考核范围内运量",
    Verdict.INSUFFICIENT: "数据尚不完整，暂不评价",
    Verdict.MET: "已达到目标",
    Verdict.MISSED: "未达到目标",
    Verdict.ON_PACE: "达到序时进度",
    Verdict.BEHIND: "低于序时进度",
    Verdict.WITHHELD: WITHHELD,
}
_MISSED = {"K2": "未达到力争目标", "K4": "尚未全部接入"}
# Of one unit: it has access or it has not.
_ACCESS = {
    Verdict.MET: "已接入",
    Verdict.ON_PACE: "已接入",
    Verdict.MISSED: "尚未接入",
    Verdict.BEHIND: "尚未接入",
}
_SHARE_RUNNING = {Verdict.ON_PACE: "当前达到目标值", Verdict.BEHIND: "当前低于目标值"}
LIGHT_SHAPES = {Light.GREEN: "●", Light.YELLOW: "▲", Light.RED: "■"}
_MOST_DIGITS = 12


def rounded(value: Number, digits: int) -> Decimal:
    """`value` with `digits` decimals, half up (away from zero at the half); what rounds to 0 has no sign."""
    scaled = Fraction(value) * 10**digits
    whole = (abs(scaled) + Fraction(1, 2)).__floor__()
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-digits)


def number(value: Number | None, digits: int = 0) -> str:
    """A number with `digits` decimals and no separators; — where there is none."""
    return NONE if value is None else f"{rounded(value, digits):f}"


def amount(value: Number | None, digits: int = 0) -> str:
    """A number that is never a rounded 0 for what is not 0: a gap of 0.4 is not 0."""
    if value is None:
        return NONE
    while digits < _MOST_DIGITS and value and not rounded(value, digits):
        digits += 1
    return number(value, digits)


def wan(tonnes: Number | None, digits: int = 2) -> str:
    """Tonnes as a number of 万吨, without the unit, never a rounded 0; — where there is none."""
    return NONE if tonnes is None else amount(Fraction(tonnes) / 10000, digits)


def percent(share: Number | None, target: Number | None = None, digits: int = 1) -> str:
    """A share of 0–1 as a number of percent, without the sign.

    With a target, digits are added while rounding would put a value that is below on the target
    or above, or one that is above below: 89.96 % against 90 % is 89.96, not 90.0.
    """
    if share is None:
        return NONE
    if target is None:
        return number(Fraction(share) * 100, digits)
    is_met = Fraction(share) >= Fraction(target)
    while digits < _MOST_DIGITS and (rounded(Fraction(share) * 100, digits) >= target * 100) != is_met:
        digits += 1
    return number(Fraction(share) * 100, digits)


def percents(before: Number, after: Number, target: Number | None = None) -> tuple[str, str]:
    """Two shares of 0–1 as numbers of percent, with digits added until what differs reads differently."""
    digits = 1
    while (
        digits < _MOST_DIGITS
        and Fraction(before) != Fraction(after)
        and rounded(Fraction(before) * 100, digits) == rounded(Fraction(after) * 100, digits)
    ):
        digits += 1
    return percent(before, target, digits), percent(after, target, digits)


def points(difference: Number | None, digits: int = 1) -> str:
    """A difference of two shares (0–1) as a number of 个百分点, never a rounded 0 for what is not 0."""
    return NONE if difference is None else amount(Fraction(difference) * 100, digits)


def total(value: Number | None, target: Number | None = None, digits: int = 0) -> str:
    """An official total in 万吨 as a number, with digits added until it does not contradict its target."""
    if value is None or target is None:
        return number(value, digits)
    is_met = Fraction(value) >= Fraction(target)
    while digits < _MOST_DIGITS and (rounded(value, digits) >= target) != is_met:
        digits += 1
    return number(value, digits)


def growth(now: Number | None, before: Number | None, digits: int = 1) -> str:
    """同比 in words: 增长3.2% / 下降1.4% / 持平; — where the base is missing, 0 or negative."""
    if now is None or before is None or before <= 0:
        return NONE
    change = rounded((Fraction(now) / Fraction(before) - 1) * 100, digits)
    if not change:
        return "持平"
    return f"{'增长' if change > 0 else '下降'}{abs(change):f}%"


def month_text(month: date) -> str:
    """2025年9月."""
    return f"{month.year}年{month.month}月"


def period_text(year: int, through: int) -> str:
    """2025年, 2025年1—9月 or 2025年1月."""
    if through == 12:
        return f"{year}年"
    return f"{year}年1月" if through == 1 else f"{year}年1—{through}月"


def years_text(first: int, last: int) -> str:
    """2023—2025年, or 2023年 where both are one."""
    return f"{first}年" if first == last else f"{first}—{last}年"


def goal_text(target: Number | None, effort: str = "") -> str:
    """A share's target beside a chart: 按80%, 按90%（力争）; nothing where there is none."""
    return "" if target is None else f"，按{percent(target, digits=0)}%{effort}"


def verdict_text(judgement: Judgement) -> str:
    """The verdict as the page says it."""
    indicator, verdict = judgement.subject.indicator, judgement.verdict
    if indicator == "K4" and judgement.obliged is not None and verdict in _ACCESS:
        return _ACCESS[verdict]
    if verdict is Verdict.MISSED:
        return _MISSED.get(indicator, VERDICT_WORDS[verdict])
    if verdict is Verdict.RULING_MISSING and judgement.awaits_ruling:
        return f"待认定（{judgement.awaits_ruling}）"
    if indicator == "K4" and verdict in _SHARE_RUNNING:
        return "已全部接入" if verdict is Verdict.ON_PACE else _MISSED["K4"]
    if judgement.unit == "share" and verdict in _SHARE_RUNNING:
        return _SHARE_RUNNING[verdict]
    return VERDICT_WORDS[verdict]


def light_text(judgement: Judgement) -> str:
    """Shape and word: a light is never colour alone."""
    shape = LIGHT_SHAPES[judgement.light] if judgement.light else "○"
    return f"{shape} {verdict_text(judgement)}"
