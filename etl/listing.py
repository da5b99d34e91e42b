"""Judgements and findings as the command line prints them: JSON with decimals as strings, or lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from etl import wording
from etl.intake.finding import Finding
from etl.plan import ENTERPRISE, Judgement
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.snapshot import Snapshot

# A share to 24 significant digits: more than any reader compares, and never a binary float.
_DIGITS = Context(prec=24, rounding=ROUND_HALF_EVEN)
# On a terminal; --json and the report have more.
LISTED = 10
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def plain(value: Fraction | Decimal | None) -> str | None:
    """An exact number as a decimal string without exponent; a fraction that does not end, to 24 digits."""
    if value is None:
        return None
    exact = Fraction(value)
    decimal = _DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    text = f"{decimal:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def judgement_json(judgement: Judgement) -> dict[str, object]:
    """One indicator as `indicators --json` prints it."""
    subject, interval = judgement.subject, judgement.interval
    entry: dict[str, object] = {
        "id": subject.indicator,
        "object_type": subject.object_type,
        "object": subject.object,
        "year": subject.year,
        "through": subject.through,
        "value": plain(judgement.value),
        "unit": "比例" if judgement.unit == "share" else judgement.unit,
        "numerator": plain(judgement.numerator),
        "denominator": plain(judgement.denominator),
        "target": plain(judgement.target),
        "gap": plain(judgement.gap),
        "shiftable": plain(judgement.shiftable),
        "verdict": judgement.verdict.value,
        "interval": None if interval is None else [plain(interval[0]), plain(interval[1])],
        "reports_expected": judgement.reports_expected,
        "reports_received": judgement.reports_received,
    }
    if subject.indicator == "K1":
        entry |= {"gap_pace": plain(judgement.gap_pace), "caliber": judgement.caliber}
    elif subject.indicator == "K4" and subject.object_type == ENTERPRISE:
        entry |= {"obliged": judgement.obliged, "spur": judgement.spur}
    elif subject.indicator != "K4":
        entry |= {"gap_added": plain(judgement.gap_added), "left_out": plain(judgement.left_out)}
    if judgement.unknown_units:
        entry["unknown_units"] = list(judgement.unknown_units)
    if judgement.light:
        entry["light"] = judgement.light.value
    return entry


def judgement_lines(judgements: Iterable[Judgement], snapshot: Snapshot) -> Iterator[str]:
    """One line a judgement: name, object, value, target, verdict."""
    for one in judgements:
        subject = one.subject
        name = INDICATORS[subject.indicator].name
        object_ = snapshot.counties.get(subject.object, subject.object)
        period = wording.period_text(subject.year, subject.through)
        show = {
            "share": lambda number, goal=None: f"{wording.percent(number, goal)}%",
            "万吨": lambda number, goal=None: f"{wording.total(number, goal)}万吨",
            "吨": lambda number, goal=None: f"{wording.wan(number)}万吨",
        }[one.unit]
        value = wording.NONE if one.value is None else show(one.value, one.target)
        target = "" if one.target is None else f"目标{show(one.target)}，"
        yield f"{period} {object_} {name}：{value}，{target}{wording.verdict_text(one)}"


def finding_lines(findings: Sequence[Finding], totals: Mapping[str, int] | None = None) -> Iterator[str]:
    """Findings grouped by rule: the exact total first, then message (it names the place) and remedy."""
    codes = dict.fromkeys(finding.code for finding in findings)
    for code in codes:
        group = [finding for finding in findings if finding.code == code]
        count = totals[code] if totals else len(group)
        listed = f"，列出前{LISTED}条" if count > LISTED else ""
        yield f"  [{group[0].severity}] {code} 共{count}条{listed}"
        for finding in group[:LISTED]:
            yield f"    {finding.message}{finding.remedy}"


def refusal_json(refusal: Exception) -> dict[str, object]:
    """A file or a folder that cannot be used, in the shape of `check --json`."""
    finding = getattr(refusal, "finding", None)
    if isinstance(finding, Finding):
        found = finding.to_json()
    else:
        found = {
            "code": "F000",
            "severity": "强制",
            "sheet": None,
            "row": None,
            "column": None,
            "value": None,
        }
        found |= {"message": str(refusal), "remedy": ""}
    totals = {str(found["code"]): 1}
    return {"accepted": False, "rows": 0, "tonnes": "0", "months": [], "findings": [found], "totals": totals}


def csv_cell(value: object) -> object:
    """A cell for a CSV file: numbers plain, dates ISO, text that a spreadsheet would run as a formula made safe."""
    if value is None:
        return ""
    if isinstance(value, Decimal | Fraction):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA_SIGNS):
        return f"'{value}"
    return value
