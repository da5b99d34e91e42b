"""Judgements and findings as the command line prints them: JSON with decimals as strings, or lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from etl import wording
from etl.briefing.receipt import Receipt
from etl.filing import Filed
from etl.intake.finding import SEVERITIES, Finding
from etl.ledger.jobs import Job
from etl.ledger.review import Waiting
from etl.plan import ENTERPRISE, Judgement
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.preview import Kind, Preview, RowChange
from etl.warehouse.snapshot import Snapshot

# A share to 24 significant digits: more than any reader compares, and never a binary float.
_DIGITS = Context(prec=24, rounding=ROUND_HALF_EVEN)
# On a terminal; --json and the report have more.
LISTED = 10
# In JSON: a preview of a large return names its first rows.
LISTED_CHANGES = 200
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
    """Findings grouped by rule, what stops first: the exact total, then message (it names the place) and remedy."""
    severities = {finding.code: finding.severity for finding in findings}
    for code in sorted(severities, key=lambda each: SEVERITIES.index(severities[each])):
        group = [finding for finding in findings if finding.code == code]
        count = totals[code] if totals else len(group)
        listed = f"，列出前{LISTED}处" if count > LISTED else ""
        yield f"  [{group[0].severity}] {code} 共{count}处{listed}"
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


def to_explain_json(to_explain: Mapping[str, str]) -> list[dict[str, object]]:
    """The codes that need an explanation, each with what was said of it last (null = never)."""
    return [{"code": code, "last": last or None} for code, last in to_explain.items()]


def filed_json(filed: Filed) -> dict[str, object]:
    """What became of a return, as `submit --json` prints it beside its check."""
    return {
        "submitted": filed.accepted,
        "to_explain": to_explain_json(filed.to_explain),
        "receipts": [
            {
                "receipt": one.submission_id,
                "unit_code": one.unit_code,
                "name": one.name,
                "month": f"{one.month:%Y-%m}",
                "rows": one.rows,
                "tonnes": plain(one.tonnes),
            }
            for one in filed.receipts
        ],
        "unchanged": [{"unit_code": o.unit_code, "month": f"{o.month:%Y-%m}"} for o in filed.unchanged],
        "received_at": filed.received_at.isoformat(timespec="seconds") if filed.received_at else None,
        "sha256": filed.sha256,
    }


def preview_json(preview: Preview) -> dict[str, object]:
    """What a return would change; the counts are exact, `rows` lists the first of them."""
    counts = {name.lower(): preview.count(kind) for name, kind in Kind.__members__.items()}
    sides = {"before": preview.before, "after": preview.after}
    return {
        "unit_code": preview.unit_code,
        "month": f"{preview.month:%Y-%m}",
        "previous_version": preview.previous,
        **counts,
        "rows": [_row_change_json(row) for row in preview.rows[:LISTED_CHANGES]],
        **{name: {id_: judgement_json(one) for id_, one in side.items()} for name, side in sides.items()},
        "sentences": preview.sentences(),
    }


def _row_change_json(row: RowChange) -> dict[str, object]:
    cells = [{"column": cell.header, "before": cell.before, "after": cell.after} for cell in row.cells]
    entry = {"kind": row.kind.value, "row": row.row, "flow": row.flow, "tonnes": plain(row.tonnes)}
    return entry | {"cells": cells}


def preview_lines(preview: Preview, name: str) -> Iterator[str]:
    """The rows that change, then what that does to the unit's own indicators."""
    counts = "，".join(f"{kind}{preview.count(kind)}行" for kind in Kind)
    against = f"与第{preview.previous}版相比" if preview.previous else "此前没有已通过的月报"
    yield f"{name} {wording.month_text(preview.month)}：{counts}（{against}）。"
    for row in preview.rows[:LISTED]:
        cells = "，".join(f"{cell.header} {cell.before or '空'} → {cell.after or '空'}" for cell in row.cells)
        yield f"  {row.kind} 第{row.row}行 {row.flow}：{cells or f'{plain(row.tonnes)}吨'}"
    if len(preview.rows) > LISTED:
        yield f"  只列出前{LISTED}行。"
    yield from preview.sentences()


def waiting_json(one: Waiting, name: str) -> dict[str, object]:
    """A return that waits for review, as `review list --json` prints it."""
    return {
        "id": one.submission_id,
        "unit_code": one.unit_code,
        "name": name,
        "month": f"{one.month:%Y-%m}",
        "version": one.version,
        "state": one.state.value,
        "received_on": one.received_on.isoformat(),
        "rows": one.rows,
        "tonnes": plain(one.tonnes),
        "is_zero": one.is_zero,
        "reason": one.reason,
        "file": one.file_name,
        "sha256": one.file_sha256,
        "explanations": one.explanations,
        "county_code": one.county_code,
        "waits_for": one.waits_for.value,
    }


def waiting_lines(one: Waiting, name: str) -> Iterator[str]:
    """A return that waits for review: what it is, then why it was corrected and what was explained."""
    what = "零申报" if one.is_zero else f"{one.rows}行，{plain(one.tonnes)}吨"
    yield f"{one.submission_id}  {name} {wording.month_text(one.month)}：{one.state}，{one.received_on}收到，{what}。"
    if one.version > 1:
        yield f"    更正（第{one.version}版）：{one.reason}"
    for code, text in one.explanations.items():
        yield f"    说明 {code}：{text}"


def receipt_json(one: Receipt) -> dict[str, object]:
    """A receipt that names a file, as `receipt --verify --json` prints it."""
    return {
        "receipt": one.submission_id,
        "unit_code": one.unit_code,
        "name": one.name,
        "month": f"{one.month:%Y-%m}",
        "version": one.version,
        "state": one.state.value,
        "received_on": one.received_on.isoformat(),
        "is_current": one.is_current,
    }


def receipt_line(one: Receipt) -> str:
    """The same in words; a file that the unit has since replaced is said to be one."""
    what = f"{one.name} {wording.month_text(one.month)}，第{one.version}版"
    since = "" if one.is_current else "，此后已换成另一个文件"
    return f"回执{one.submission_id}：{what}，{one.received_on}收到，{one.state}{since}。"


def job_json(job: Job) -> dict[str, object]:
    """One run of a job, as `jobs --json` prints it."""
    return {
        "id": job.job_id,
        "kind": job.kind,
        "actor": job.actor,
        "started_at": job.started_at.isoformat(timespec="seconds"),
        "ended_at": job.ended_at.isoformat(timespec="seconds") if job.ended_at else None,
        "outcome": job.outcome.value,
        "message": job.message,
        "detail": dict(job.detail),
    }


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
