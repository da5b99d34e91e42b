"""What a clerk's desk offers: what is due, drafts, the online grid, column mapping, one-click mends.

A `units` argument names the only units that may be seen; another's raises NotVisible.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping as TextByHeader
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from etl import filing, periods
from etl.filing import UnknownUnit
from etl.intake import matching
from etl.intake.fields import FIELD_BY_NAME, HEADER_TO_FIELD, RETURN_FIELDS, other_unit, plain
from etl.intake.finding import Refusal
from etl.intake.mapping import Mapping, read_mapping
from etl.intake.matching import Proposal, mapping_of
from etl.intake.mends import Mend, find_mends
from etl.intake.registry_view import RegistryView
from etl.intake.returned import mended as rewritten
from etl.intake.rules import refusal
from etl.intake.template import last_flows
from etl.intake.worker import in_child
from etl.ledger import drafts, evidence, registry, submissions
from etl.ledger.drafts import GRID, Draft
from etl.ledger.schema import reading
from etl.ledger.submissions import State
from etl.pipeline import Workplace
from etl.reference import Declared
from etl.warehouse.scope import NotVisible

__all__ = [
    "GRID_HEADERS", "Draft", "Due", "Remembered", "draft_of", "drop_draft", "due", "due_sentence", "forget",
    "grid_file", "grid_mended", "grid_rows", "log_mends", "mended", "pasted", "propose", "remember", "remembered",
    "save_draft", "zero_file",
]  # fmt: skip

# The head block's columns are the page's to fill in: a clerk types flows.
GRID_HEADERS = tuple(field.header for field in RETURN_FIELDS if not field.in_head_block)
HEAD_HEADERS = tuple(field.header for field in RETURN_FIELDS if field.in_head_block)
ZERO = "零申报"
NOT_REPORTED = "未报"
STOPPED = "停产"
DUE_MONTHS = 12
# Row n of the grid, counted from 1, stands in row n + GRID_OFFSET of its file: below the header.
GRID_OFFSET = 1
MENDED_SUFFIX = "-已修正.xlsx"


@dataclass(frozen=True)
class Due:
    """One unit's month that is to be reported, or was begun or handed in all the same.

    `state` is that of the newest version, 未报 without one (暂存 where there is a draft); `reason` that of a
    退回, else ''. `days_left`: from today to the due day, negative = late.
    """

    unit_code: str
    name: str
    month: date
    due_on: date
    state: str
    reason: str
    submission_id: int | None
    days_left: int
    has_draft: bool


@dataclass(frozen=True)
class Remembered:
    """A layout's columns as somebody confirmed them: our header → their column, by name or as 第3列."""

    mapping_id: int
    unit_code: str
    header: tuple[str, ...]
    columns: dict[str, str]
    recorded_at: datetime
    actor: str


# -------------------------------------------------------------------------------------------------- due


def due(work: Workplace, units: frozenset[str]) -> list[Due]:
    """The units' months, the newest complete month first, twelve of them; in a month by name.

    A month that is not due (before 应报起, after 应报止, 停产 on its last day) is there only where it was begun
    or handed in. Empty: nothing is due.
    """
    last = periods.last_complete_month(work.today)
    first = periods.add_months(last, 1 - DUE_MONTHS)
    with reading(work.ledger) as connection:
        known = registry.registry_as_of(connection, work.today)
        states = submissions.submissions_as_of(connection, work.today).to_pylist()
        begun = drafts.begun_by(connection, units)
    stands = {(row["unit_code"], row["month"]): row for row in states if row["unit_code"] in units}
    history: dict[str, list[dict]] = {}
    for row in known.to_pylist():
        if row["unit_code"] in units:
            history.setdefault(row["unit_code"], []).append(row)
    names = filing.names(work)
    listed = []
    for month in periods.months_between(first, last):
        due_on = _due_on(work, month)
        for unit, rows in history.items():
            key = unit, month
            row = stands.get(key)
            if row is None and key not in begun and not _is_expected(rows, month):
                continue
            state = row["state"] if row else State.暂存.value if key in begun else NOT_REPORTED
            listed.append(
                Due(
                    unit,
                    names[unit],
                    month,
                    due_on,
                    state,
                    row["reason"] if row and state == State.退回 else "",
                    row["submission_id"] if row else None,
                    (due_on - work.today).days,
                    key in begun,
                )
            )
    return sorted(listed, key=lambda one: (-one.month.toordinal(), one.name, one.unit_code))


def due_sentence(due: Due) -> str:
    """9月月报：10月8日截止，还有3天 / 9月月报：今天截止 / 9月月报：已过截止日4天."""
    month, left = f"{due.month.month}月月报：", due.days_left
    if left > 0:
        return f"{month}{due.due_on.month}月{due.due_on.day}日截止，还有{left}天"
    return f"{month}今天截止" if left == 0 else f"{month}已过截止日{-left}天"


def _due_on(work: Workplace, month: date) -> date:
    plan = work.declared.plan
    return periods.due_date(month, plan.due_day, plan.holidays, plan.workdays)


def _is_expected(rows: Sequence[dict], month: date) -> bool:
    """A return is due, by the registry's row in force on the month's last day (as 12_dim_unit_month.sql)."""
    in_force = [row for row in rows if (row["valid_from"] or date.min) <= periods.last_day(month)]
    if not in_force:
        return False
    row = max(in_force, key=lambda row: row["valid_from"] or date.min)
    return (
        row["production_state"] != STOPPED
        and row["due_from"] is not None
        and row["due_from"] <= month
        and (row["due_to"] is None or month <= row["due_to"])
    )


# ----------------------------------------------------------------------------------------------- drafts


def save_draft(work: Workplace, draft: Draft, actor: str, *, units: frozenset[str] | None = None) -> Draft:
    """Keep what was begun (暂存), in place of what was kept of that unit-month; a file's bytes are kept, too.

    Errors: NotVisible; OSError where the disk is full.
    """
    _own(draft.unit_code, units)
    with work.ledger.begin() as connection:
        return drafts.save(connection, work.home, draft, actor)


def draft_of(
    work: Workplace, unit_code: str, month: date, *, units: frozenset[str] | None = None
) -> Draft | None:
    """What was begun of a unit-month. Empty: None. Errors: NotVisible."""
    _own(unit_code, units)
    with reading(work.ledger) as connection:
        return drafts.read(connection, work.home, unit_code, month)


def drop_draft(
    work: Workplace, unit_code: str, month: date, actor: str, *, units: frozenset[str] | None = None
) -> None:
    """Forget what was begun; nothing happens where nothing was. Errors: NotVisible."""
    _own(unit_code, units)
    with work.ledger.begin() as connection:
        drafts.drop(connection, unit_code, month, actor)


def _own(unit_code: str, units: frozenset[str] | None) -> None:
    if units is not None and unit_code not in units:
        raise NotVisible("没有这个单位，或当前身份不能为它填报。")


# ------------------------------------------------------------------------------------------------- grid


def grid_rows(
    work: Workplace, unit_code: str, month: date, *, units: frozenset[str] | None = None
) -> list[dict[str, str]]:
    """The rows that the grid begins with: the draft's, else the flows of the last accepted month without tonnes.

    Each row is GRID_HEADERS → text. Empty: neither. Errors: NotVisible.
    """
    _own(unit_code, units)
    with reading(work.ledger) as connection:
        begun = drafts.read(connection, work.home, unit_code, month)
        accepted = submissions.accepted_as_of(connection, work.today)
    if begun is not None and begun.way == GRID:
        return [_whole(row) for row in begun.rows]
    flows = last_flows(accepted, work.home, unit_code, month)
    return [_whole({FIELD_BY_NAME[name].header: text for name, text in flow.items()}) for flow in flows]


def _whole(row: TextByHeader[str, str]) -> dict[str, str]:
    return {header: row.get(header) or "" for header in GRID_HEADERS}


def grid_file(
    work: Workplace,
    unit_code: str,
    month: date,
    rows: Sequence[TextByHeader[str, str]],
    folder: Path,
    *,
    units: frozenset[str] | None = None,
) -> Path:
    """The grid as a return in `folder`: a CSV (UTF-8) with month, codes and name filled in, text as typed.

    Row n of the grid, counted from 1, is row n + GRID_OFFSET of the file, so that findings lead back: a
    blank row between others stays as a blank one; those at the end are left out.
    Errors: NotVisible, UnknownUnit.
    """
    _own(unit_code, units)
    head = _head(work, unit_code, month)
    cells = [[row.get(header) or "" for header in GRID_HEADERS] for row in rows]
    while cells and not _is_filled(cells[-1]):
        cells.pop()
    path = folder / f"在线填报-{month:%Y-%m}.csv"
    # With the mark that tells Excel the encoding: staff may open what is kept.
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        # Ended by \r\n: so the writer puts a cell with either of them in quotes.
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow([*HEAD_HEADERS, *GRID_HEADERS])
        for row in cells:
            is_filled = _is_filled(row)
            writer.writerow([*(head[header] if is_filled else "" for header in HEAD_HEADERS), *row])
    return path


def zero_file(
    work: Workplace, unit_code: str, month: date, folder: Path, *, units: frozenset[str] | None = None
) -> Path:
    """The return of a month without traffic (零申报). Errors: as grid_file."""
    row = {FIELD_BY_NAME["note"].header: ZERO}
    return grid_file(work, unit_code, month, [row], folder, units=units)


def grid_mended(rows: Sequence[TextByHeader[str, str]], mends: Sequence[Mend]) -> list[dict[str, str]]:
    """The grid's rows with the mends of its file written in."""
    changed = [_whole(row) for row in rows]
    for mend in mends:
        header, place = FIELD_BY_NAME[mend.field].header, mend.row - GRID_OFFSET - 1
        if header in GRID_HEADERS and 0 <= place < len(changed):
            changed[place][header] = mend.new
    return changed


def _is_filled(row: Sequence[str]) -> bool:
    return any(cell and not cell.isspace() for cell in row)


def _head(work: Workplace, unit_code: str, month: date) -> dict[str, str]:
    """What the head block's columns say of a unit's month."""
    known = _registered(work)
    rows = [row for row in known.to_pylist() if row["unit_code"] == unit_code]
    if not rows:
        raise UnknownUnit(f"名录中没有编码为{unit_code}的单位。请核对编码，或联系市交通运输局登记。")
    code = max(rows, key=lambda row: row["valid_from"] or date.min)["uscc"]
    view = RegistryView.of(known, work.declared.plan.unit_key)
    texts = {
        "month": f"{month:%Y-%m}",
        "uscc": code,
        "unit_code": "" if unit_code == code else unit_code,
        "enterprise_name": view.name_on(unit_code, periods.last_day(month)),
    }
    return {FIELD_BY_NAME[name].header: text for name, text in texts.items()}


def _registered(work: Workplace) -> pa.Table:
    with reading(work.ledger) as connection:
        return registry.registry_as_of(connection, work.today)


# ------------------------------------------------------------------------------------------------ paste

# A cell in quotes is one only where the quotes end with the cell: Excel leaves other quotes as they are.
_CELL = re.compile(r'"((?:[^"]|"")*+)"(?=\t|\r?\n|\r|\Z)|([^\t\r\n]*)')
_BREAK = re.compile(r"\r\n|\r|\n|\Z")


def pasted(text: str) -> list[dict[str, str]]:
    """The rows that were pasted from Excel or WPS: tab separated, quoted where a cell has line breaks.

    A first row of our headers (or their aliases) says which column is which; without it the columns are
    GRID_HEADERS in their order. Each row is GRID_HEADERS → text as written; blank rows stay between
    others and fall away at the end. Empty: nothing was pasted.
    Errors: ValueError (Chinese) for more columns than ours, or a column that is not the grid's.
    """
    rows = _table(text)
    while rows and not _is_filled(rows[-1]):
        rows.pop()
    if not rows:
        return []
    named = _pasted_header(rows[0])
    header, first = (named, 1) if named else (list(GRID_HEADERS), 0)
    width = max(len(_trimmed(row)) for row in rows)
    if width > len(header):
        if named:
            raise ValueError(f"粘贴的内容有{width}列，表头只有{len(header)}列。请连同表头整块复制后再粘贴。")
        raise ValueError(
            f"粘贴的内容有{width}列，在线填报只有{len(header)}列（{GRID_HEADERS[0]}到{GRID_HEADERS[-1]}）。"
            "请只复制这些列，或连同表头一起复制。"
        )
    return [_whole(dict(zip(header, row, strict=False))) for row in rows[first:]]


def _table(text: str) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    place = 0
    while place < len(text):
        cell = _CELL.match(text, place)
        assert cell is not None
        rows[-1].append(cell[2] if cell[1] is None else cell[1].replace('""', '"'))
        place = cell.end()
        if text.startswith("\t", place):
            place += 1
            if place == len(text):
                rows[-1].append("")
            continue
        end = _BREAK.match(text, place)
        assert end is not None
        place = end.end()
        rows.append([])
    return rows


def _trimmed(row: Sequence[str]) -> Sequence[str]:
    """The row without empty cells at its end: a selection may be wider than its content."""
    width = max((place for place, cell in enumerate(row, start=1) if cell and not cell.isspace()), default=0)
    return row[:width]


def _pasted_header(row: Sequence[str]) -> list[str] | None:
    """The grid's header of each pasted column; None where the first row is no header."""
    row = _trimmed(row)
    fields = [HEADER_TO_FIELD.get(plain(cell)) for cell in row]
    filled = sum(1 for cell in row if cell.strip())
    if not any(fields) or sum(field is not None for field in fields) * 2 < filled:
        return None
    headers: list[str] = []
    for number, (cell, field) in enumerate(zip(row, fields, strict=True), start=1):
        place = f"第{number}列“{' '.join(cell.split())}”"
        if field is None and (unit := other_unit(cell)):
            raise ValueError(f"{place}以{unit}计。请换算成吨，列名写“运量吨”，再粘贴。")
        if field is None:
            raise ValueError(f"{place}不在填报的各列之内。请删去这一列后再复制，或改用上传文件。")
        header = FIELD_BY_NAME[field].header
        if header not in GRID_HEADERS:
            raise ValueError(f"{place}由页面填写，不用粘贴。请只复制“{GRID_HEADERS[0]}”起的各列。")
        if header in headers:
            raise ValueError(f"{place}与前面的列都是“{header}”。请只复制其中一列。")
        headers.append(header)
    return headers


# ------------------------------------------------------------------------------------------------ mapping


def propose(work: Workplace, path: Path, unit_code: str) -> Proposal:
    """How the file's columns could be read, by what was remembered for the unit first.

    The file is parsed in a child process. Errors: Refusal when it cannot be read.
    """
    with reading(work.ledger) as connection:
        known = registry.registry_as_of(connection, work.today)
        confirmed = drafts.mappings(connection, unit_code)
    proposal = in_child(matching.propose, path, work.declared, known, unit_code, confirmed)
    if not isinstance(proposal, Proposal):
        raise refusal("S009")
    return proposal


def remember(
    work: Workplace,
    unit_code: str,
    proposal: Proposal,
    mapping: Mapping,
    actor: str,
    *,
    units: frozenset[str] | None = None,
) -> None:
    """Keep a confirmed mapping for the unit and this layout, in place of an earlier one.

    Only which column is which is kept: what the clerk filled in for this file (month, unit) is not, and
    another unit than tonnes is asked about again. Errors: NotVisible; Refusal for a mapping that does not fit
    the proposal.
    """
    _own(unit_code, units)
    chosen = {
        mapping.position(column, proposal.header) + 1: HEADER_TO_FIELD[ours]
        for ours, column in mapping.columns.items()
    }
    columns = mapping_of(proposal, chosen, converts=True)
    with work.ledger.begin() as connection:
        drafts.remember(connection, unit_code, proposal.signature, proposal.header, columns.text, actor)


def remembered(work: Workplace, units: frozenset[str]) -> list[Remembered]:
    """The mappings that were confirmed for these units, newest first. Empty: none was."""
    with reading(work.ledger) as connection:
        layouts = drafts.layouts(connection, units)
    return [
        Remembered(
            each.mapping_id, each.unit_code, each.header, _columns(each.mapping_text),
            each.recorded_at, each.actor,
        )
        for each in layouts
    ]  # fmt: skip


def forget(work: Workplace, mapping_id: int, units: frozenset[str], actor: str) -> None:
    """Delete a remembered mapping. Errors: ValueError (Chinese) where these units have no such mapping."""
    with work.ledger.begin() as connection:
        if not drafts.forget(connection, mapping_id, units, actor):
            raise ValueError("没有这条列对照，或已被删除。请刷新页面后重试。")


def _columns(text: str) -> dict[str, str]:
    try:
        mapping = read_mapping(text)
    except Refusal:
        # Written by another version; it can still be listed and deleted.
        return {}
    return {
        ours: column if isinstance(column, str) else f"第{column}列"
        for ours, column in mapping.columns.items()
    }


# -------------------------------------------------------------------------------------------------- mends


def mended(
    work: Workplace, path: Path, *, mapping: Mapping | None = None, answers: Sequence[str] = ()
) -> tuple[bytes, str, tuple[Mend, ...]]:
    """The file with what was understood written in, as .xlsx; its new name; the mends. Nothing is logged.

    `answers`: codes to which the clerk has said yes (S112: 万吨). The layout stays, so `mapping` reads the new
    file as it reads the old one. Of a grid's file `grid_mended` takes the mends back.
    Errors: Refusal when the file cannot be read; ValueError (Chinese) for one too large to be rewritten.
    """
    answer = in_child(_mended, path, work.declared, _registered(work), mapping, tuple(answers))
    if not isinstance(answer, tuple):
        raise refusal("S009")
    book, mends = answer
    if book is None:
        raise ValueError("表格太大，不能在这里改写。请在原表中按所列的行和列改正后重新上传。")
    return book, path.stem + MENDED_SUFFIX, mends


def log_mends(work: Workplace, mends: Sequence[Mend], subject: str, actor: str) -> None:
    """Log that mends were taken (一键修正), counted by code; `subject` names the file, by its sha256."""
    with work.ledger.begin() as connection:
        evidence.record_mends(connection, [mend.code for mend in mends], subject, actor)


def _mended(
    path: Path, declared: Declared, units: pa.Table, mapping: Mapping | None, answers: tuple[str, ...]
) -> tuple[bytes | None, tuple[Mend, ...]]:
    mends = find_mends(path, declared, units, mapping=mapping, answers=answers)
    return rewritten(path, mends, mapping=mapping), mends
