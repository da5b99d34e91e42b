"""What a clerk does with a return: take, check, mend, keep, send. Nothing here draws.

Each act either moves the desk on or leaves it as it was with its `trouble` said; what is uploaded is
parsed by a child process alone.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from dashboard.desk import GRID, WAYS, Desk, Trouble, of_fault, rows_said
from dashboard.grid import FIRST_ROW
from etl import clerk, filing
from etl.clerk import Draft, Due
from etl.filing import TriedOut
from etl.intake.fields import FIELD_BY_NAME, RETURN_FIELDS
from etl.intake.finding import Refusal
from etl.intake.mapping import read_mapping
from etl.intake.matching import REMEMBERED, Proposal, mapping_of
from etl.intake.worker import Fault
from etl.ledger.receipts import NotHandedIn
from etl.ledger.submissions import TransitionRefused
from etl.pipeline import Workplace
from etl.roles import NotAllowed
from etl.sent import sent_rows
from etl.warehouse.scope import NotVisible

LOG = logging.getLogger("railshift.dashboard")
_NO_NAME = "月报"
_MOST_NAME = 80


def take_file(work: Workplace, desk: Desk, name: str, content: bytes) -> None:
    """Put an uploaded file on the desk: propose its columns and, where they are plain, check it."""
    desk.begin_again()
    desk.file_name, desk.content = safe_name(name), content
    with _act(desk), _on_disk(desk) as path:
        try:
            desk.proposal = clerk.propose(work, path, desk.unit_code)
        except Refusal:
            # The check says the same with its code and place.
            desk.proposal = None
        if desk.proposal is None or not needs_words(desk.proposal):
            if desk.proposal is not None and not desk.proposal.is_ordinary:
                constants = constants_for(work, desk, desk.proposal, desk.proposal.chosen)
                desk.mapping = mapping_of(desk.proposal, desk.proposal.chosen, constants=constants)
            desk.is_settled = True
            desk.tried = _tried(work, desk, path)


def needs_words(proposal: Proposal) -> bool:
    """The columns are to be confirmed: but for those that were, where the unit says what is missing."""
    is_remembered = all(match.basis == REMEMBERED for match in proposal.matches)
    is_whole = proposal.scaled is None and not lacking(proposal, proposal.chosen)
    return proposal.needs_confirmation and not (is_remembered and is_whole)


def confirm_columns(
    work: Workplace, desk: Desk, chosen: Mapping[int, str], *, converts: bool, keep: bool
) -> None:
    """Read the file by the columns that the clerk confirmed, and remember them where asked to."""
    proposal = desk.proposal
    assert proposal is not None
    with _act(desk), _on_disk(desk) as path:
        constants = constants_for(work, desk, proposal, chosen)
        mapping = mapping_of(proposal, dict(chosen), constants=constants, converts=converts)
        tried = filing.try_out(work, path, units=desk.scope.units, mapping=mapping)
        if keep:
            clerk.remember(work, desk.unit_code, proposal, mapping, desk.actor, units=desk.scope.units)
        desk.mapping, desk.tried, desk.is_settled = mapping, tried, True


def constants_for(
    work: Workplace, desk: Desk, proposal: Proposal, chosen: Mapping[int, str]
) -> dict[str, str]:
    """What no column says but the head block or the unit does: our header → text."""
    unit = filing.unit_of(work, desk.unit_code)
    own_code = "" if unit.unit_code == unit.uscc else unit.unit_code
    known = {
        "月份": f"{desk.month:%Y-%m}",
        "统一社会信用代码": unit.uscc,
        "填报单位编码": own_code,
        "企业名称": unit.name,
    }
    taken = {FIELD_BY_NAME[name].header for name in chosen.values()}
    words = {header: proposal.head.get(header) or text for header, text in known.items()}
    return {header: text for header, text in words.items() if text and header not in taken}


def lacking(proposal: Proposal, chosen: Mapping[int, str]) -> list[str]:
    """Our required headers that no column was chosen for; those of the head block come from the unit."""
    taken = set(chosen.values())
    return [
        each.header
        for each in RETURN_FIELDS
        if each.required and not each.in_head_block and each.name not in taken
    ]


def check(work: Workplace, desk: Desk) -> None:
    """试校验: check what is on the desk. Nothing is stored."""
    with _act(desk), _on_disk(desk) as path:
        desk.tried = _tried(work, desk, path)


def check_grid(work: Workplace, desk: Desk, rows: list[dict[str, str]]) -> None:
    """试校验 of the grid: it becomes a file and is checked like one."""
    desk.begin_again()
    desk.rows = desk.typed = desk.checked = rows
    _from_own_file(work, desk, lambda folder: clerk.grid_file(
        work, desk.unit_code, desk.month, rows, folder, units=desk.scope.units
    ))  # fmt: skip


def check_zero(work: Workplace, desk: Desk) -> None:
    """零申报 after its confirmation: checked and, where nothing is to be said of it, sent."""
    desk.begin_again()
    _from_own_file(work, desk, lambda folder: clerk.zero_file(
        work, desk.unit_code, desk.month, folder, units=desk.scope.units
    ))  # fmt: skip
    if desk.trouble is None and not desk.obstacle():
        send(work, desk)


def mend(work: Workplace, desk: Desk) -> None:
    """一键修正: write in what was understood, check again, and log it."""
    with _act(desk), _on_disk(desk) as path:
        content, name, mends = clerk.mended(work, path, mapping=desk.mapping)
        clerk.log_mends(work, mends, hashlib.sha256(desk.content).hexdigest(), desk.actor)
        if desk.way == GRID:
            check_grid(work, desk, clerk.grid_mended(desk.checked, mends))
        else:
            desk.file_name, desk.content = safe_name(name), content
            with _on_disk(desk) as again:
                desk.tried = _tried(work, desk, again)
        desk.mends = mends


def send(work: Workplace, desk: Desk) -> None:
    """上报, once: a second click finds it sent. The desk is changed in one plain step after the ledger is."""
    if desk.filed is not None or desk.obstacle():
        return
    with _act(desk), _on_disk(desk) as path:
        filed = filing.submit(
            work, path, units=desk.scope.units, mapping=desk.mapping,
            explained=desk.explained, reason=desk.reason.strip(), actor=desk.actor,
        )  # fmt: skip
        if not filed.accepted:
            # Something changed since it was tried out: the registry, or what was accepted.
            desk.tried = TriedOut(filed.check, filed.to_explain, desk.tried.previews if desk.tried else ())
            return
        desk.filed = filed
        clerk.drop_draft(work, desk.unit_code, desk.month, desk.actor, units=desk.scope.units)


def save_draft(work: Workplace, desk: Desk) -> None:
    """暂存: the grid as it stands now, or the file."""
    is_grid = desk.way == GRID
    draft = Draft(
        desk.unit_code, desk.month, "grid" if is_grid else "file",
        rows=tuple(desk.typed) if is_grid else (),
        file_name="" if is_grid else desk.file_name,
        content=None if is_grid else desk.content,
        mapping_text=desk.mapping.text if desk.mapping and not is_grid else None,
        explained=dict(desk.explained), reason=desk.reason,
    )  # fmt: skip
    with _act(desk):
        kept = clerk.save_draft(work, draft, desk.actor, units=desk.scope.units)
        desk.drafted = f"已暂存（{kept.saved_at:%m月%d日 %H:%M}），下次打开可继续填写。"


def resume(work: Workplace, desk: Desk, draft: Draft) -> None:
    """Go on with a draft: its file or its rows, its explanations and its reason."""
    desk.begin_again()
    desk.way = WAYS[draft.way]
    desk.explained, desk.reason = dict(draft.explained), draft.reason
    if desk.way == GRID:
        desk.rows = desk.typed = [dict(row) for row in draft.rows]
        return
    with _act(desk):
        desk.file_name, desk.content = safe_name(draft.file_name), draft.content or b""
        if draft.mapping_text is None:
            take_file(work, desk, draft.file_name, desk.content)
            return
        desk.mapping, desk.is_settled = read_mapping(draft.mapping_text), True
        check(work, desk)


def open_grid(work: Workplace, desk: Desk) -> None:
    """Begin the online grid with the draft, or last month's flows."""
    with _act(desk):
        desk.rows = desk.typed = clerk.grid_rows(work, desk.unit_code, desk.month, units=desk.scope.units)


def open_returned(work: Workplace, desk: Desk, due: Due) -> None:
    """Open a month that was sent back with the rows that were sent, and say where those are that the reason
    names.
    """
    assert due.submission_id is not None
    with _act(desk):
        rows = sent_rows(work, due.submission_id)
        set_rows(desk, list(rows.values()))
        places = {number: place for place, number in enumerate(rows, start=FIRST_ROW)}
        named = [number for number in rows_said(due.reason) if number in places]
        desk.pointed = "；".join(f"原文件第{number}行是下表的第{places[number]}行" for number in named)


def forget(work: Workplace, desk: Desk, mapping_id: int) -> None:
    """Delete a remembered layout of the account's units."""
    with _act(desk):
        clerk.forget(work, mapping_id, desk.scope.units or frozenset(), desk.actor)


def set_rows(desk: Desk, rows: list[dict[str, str]]) -> None:
    """Let the grid begin again with these rows."""
    desk.begin_again()
    desk.rows = desk.typed = rows


def take_pasted(desk: Desk, text: str, *, replaces: bool) -> None:
    """Put pasted rows in the place of the grid's, or below them."""
    with _act(desk):
        pasted = clerk.pasted(text)
        set_rows(desk, pasted if replaces else [*(row for row in desk.typed if any(row.values())), *pasted])


def report(work: Workplace, desk: Desk) -> bytes:
    """The workbook with its findings in it. Errors: Refusal."""
    assert desk.tried is not None
    with _on_disk(desk) as path:
        return filing.report(work, path, desk.tried.check, mapping=desk.mapping)[0]


def _tried(work: Workplace, desk: Desk, path: Path) -> TriedOut:
    return filing.try_out(work, path, units=desk.scope.units, mapping=desk.mapping)


def _from_own_file(work: Workplace, desk: Desk, make: Callable[[Path], Path]) -> None:
    with _act(desk), tempfile.TemporaryDirectory() as folder:
        path = make(Path(folder))
        desk.file_name, desk.content, desk.is_settled = path.name, path.read_bytes(), True
        desk.tried = _tried(work, desk, path)


def safe_name(name: str) -> str:
    """A file's own name as a name in our folder: no folder before it, nothing that does not print, not long."""
    plain = "".join(letter for letter in PureWindowsPath(name).name if letter.isprintable()).strip(". ")
    stem, dot, suffix = (plain or _NO_NAME).rpartition(".")
    return f"{stem[:_MOST_NAME]}{dot}{suffix[:10]}" if dot else suffix[:_MOST_NAME]


@contextmanager
def _on_disk(desk: Desk) -> Generator[Path]:
    """The desk's file under its own name in a folder that goes away; only a child process parses it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (desk.file_name or _NO_NAME)
        path.write_bytes(desk.content)
        yield path


@contextmanager
def _act(desk: Desk) -> Generator[None]:
    """Says on the desk what kept an act from happening; never a trace."""
    desk.trouble = None
    try:
        yield
    except Refusal as refusal:
        desk.trouble = Trouble(refusal.message, refusal.remedy)
    except (TransitionRefused, NotHandedIn, NotVisible, NotAllowed) as refusal:
        desk.trouble = Trouble(str(refusal))
    except (filing.UnknownUnit, ValueError) as refusal:
        desk.trouble = Trouble(str(refusal))
    except Fault as fault:
        desk.trouble = of_fault(fault, "没有上报", "填写的内容还在本页，")
