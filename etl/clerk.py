"""What a clerk's desk offers: what is due, drafts, the online grid, column mapping, one-click mends.

A `units` argument names the only units that may be seen; another's raises NotVisible.
"""

from __future__ import annotations

from collections.abc import Mapping as TextByHeader
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from etl.intake.fields import RETURN_FIELDS
from etl.intake.mapping import Mapping
from etl.intake.matching import Proposal
from etl.intake.mends import Mend
from etl.ledger.drafts import Draft, Remembered
from etl.pipeline import Workplace

__all__ = [
    "GRID_HEADERS", "Draft", "Due", "Remembered", "draft_of", "drop_draft", "due", "due_sentence", "forget",
    "grid_file", "grid_mended", "grid_rows", "log_mends", "mended", "pasted", "propose", "remember", "remembered",
    "save_draft", "zero_file",
]  # fmt: skip

GRID_HEADERS = tuple(field.header for field in RETURN_FIELDS if not field.in_head_block)


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


def due(work: Workplace, units: frozenset[str]) -> list[Due]:
    """The units' months, the newest complete month first, twelve of them; in a month by name."""
    raise NotImplementedError


def due_sentence(due: Due) -> str:
    """9月月报：10月8日截止，还有3天 / 9月月报：今天截止 / 9月月报：已过截止日4天."""
    raise NotImplementedError


def save_draft(work: Workplace, draft: Draft, actor: str, *, units: frozenset[str] | None = None) -> Draft:
    """Keep what was begun (暂存), in place of what was kept of that unit-month. Errors: NotVisible."""
    raise NotImplementedError


def draft_of(
    work: Workplace, unit_code: str, month: date, *, units: frozenset[str] | None = None
) -> Draft | None:
    """What was begun of a unit-month. Empty: None. Errors: NotVisible."""
    raise NotImplementedError


def drop_draft(
    work: Workplace, unit_code: str, month: date, actor: str, *, units: frozenset[str] | None = None
) -> None:
    """Forget what was begun; nothing happens where nothing was. Errors: NotVisible."""
    raise NotImplementedError


def grid_rows(
    work: Workplace, unit_code: str, month: date, *, units: frozenset[str] | None = None
) -> list[dict[str, str]]:
    """The rows that the grid begins with: the draft's, else the flows of the last accepted month without tonnes.

    Each row is GRID_HEADERS → text. Empty: neither. Errors: NotVisible.
    """
    raise NotImplementedError


def pasted(text: str) -> list[dict[str, str]]:
    """The rows that were pasted from Excel or WPS. Errors: ValueError (Chinese)."""
    raise NotImplementedError


def grid_file(
    work: Workplace,
    unit_code: str,
    month: date,
    rows: Sequence[TextByHeader[str, str]],
    folder: Path,
    *,
    units: frozenset[str] | None = None,
) -> Path:
    """The grid as a return (UTF-8 CSV) in `folder`. Row n of the grid, from 1, is row n + 1 of the file."""
    raise NotImplementedError


def zero_file(
    work: Workplace, unit_code: str, month: date, folder: Path, *, units: frozenset[str] | None = None
) -> Path:
    """A return that says 零申报."""
    raise NotImplementedError


def grid_mended(rows: Sequence[TextByHeader[str, str]], mends: Sequence[Mend]) -> list[dict[str, str]]:
    """The grid's rows with the mends of its file written in."""
    raise NotImplementedError


def propose(work: Workplace, path: Path, unit_code: str) -> Proposal:
    """How the file's columns could be read, by what was remembered for the unit first. Errors: Refusal."""
    raise NotImplementedError


def remember(work: Workplace, unit_code: str, proposal: Proposal, mapping: Mapping, actor: str) -> None:
    """Keep a confirmed mapping for the unit and this layout, in place of an earlier one."""
    raise NotImplementedError


def remembered(work: Workplace, units: frozenset[str]) -> list[Remembered]:
    """The mappings that were confirmed for these units, newest first."""
    raise NotImplementedError


def forget(work: Workplace, mapping_id: int, units: frozenset[str], actor: str) -> None:
    """Delete a remembered mapping. Errors: ValueError (Chinese) where these units have no such mapping."""
    raise NotImplementedError


def mended(
    work: Workplace, path: Path, *, mapping: Mapping | None = None, answers: Sequence[str] = ()
) -> tuple[bytes, str, tuple[Mend, ...]]:
    """The file with its mends written in, as .xlsx; its new name; the mends. Errors: Refusal."""
    raise NotImplementedError


def log_mends(work: Workplace, mends: Sequence[Mend], subject: str, actor: str) -> None:
    """Log that mends were taken (一键修正), counted by code; `subject` names the file, by its sha256."""
    raise NotImplementedError
