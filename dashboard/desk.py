"""A clerk's work on one unit-month, as the session holds it: the file or grid at hand, what its check said,
what was sent.

A Desk lives in the browser session and never in a cache: it holds what was uploaded. What is done with it
is in acts.py.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import streamlit as st

from etl import clerk, mirror
from etl.clerk import Due
from etl.console import workplace as opened_workplace
from etl.filing import Filed, TriedOut
from etl.intake.finding import EXPLAIN, MUST
from etl.intake.mapping import Mapping as ColumnMapping
from etl.intake.matching import Proposal
from etl.intake.mends import OFFERED, Mend
from etl.intake.rules import BY_CODE, FILE
from etl.intake.worker import Fault
from etl.pipeline import Workplace
from etl.reference import data_folder, home_folder
from etl.warehouse.scope import Scope

LOG = logging.getLogger("railshift.dashboard")
UPLOAD, GRID = "上传文件", "在线填报"
WAYS = {"file": UPLOAD, "grid": GRID}
# What still waits for the clerk; all else waits for somebody else or is done.
OPEN_STATES = ("未报", "暂存", "退回", "更正")
_ROWS_SAID = re.compile(r"第\s*(\d+)\s*行")


@dataclass(frozen=True)
class Trouble:
    """Why an act did not happen, and what to do about it."""

    what: str
    remedy: str = ""


def of_fault(fault: Fault, outcome: str, remedy: str) -> Trouble:
    """A fault of ours: its number stands on the page, what it is in the log."""
    number = secrets.token_hex(4)
    LOG.error("fault %s: %s", number, fault)
    return Trouble(
        f"系统错误，与您的文件无关（编号 {number}），{outcome}。",
        f"{remedy}请稍后重试；仍然出现时，请把编号告诉管理员。",
    )


@dataclass
class Desk:
    """`serial` is part of the keys of widgets that must begin afresh when what they show was replaced.

    `mapping` is None where the file is read as it is; `is_settled` says that its columns need no more words.
    `rows` are what the grid begins with (None: it was not opened), `typed` what it holds now and `checked`
    what it held when it was checked. `mends` are those that were written in last; `drafted` and `pointed` are
    notes: that it was kept, and where the rows are that a reason of return names. `asked` is the act that a
    button asked for, until it is done: a click must not be lost where a later message of the browser (the
    grid's last cell) ends the rerun that it began.
    """

    scope: Scope
    unit_code: str
    month: date
    way: str = UPLOAD
    serial: int = 0
    file_name: str = ""
    content: bytes = b""
    proposal: Proposal | None = None
    mapping: ColumnMapping | None = None
    is_settled: bool = False
    rows: list[dict[str, str]] | None = None
    typed: list[dict[str, str]] = field(default_factory=list)
    checked: list[dict[str, str]] = field(default_factory=list)
    tried: TriedOut | None = None
    mends: tuple[Mend, ...] = ()
    explained: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    asks_zero: bool = False
    trouble: Trouble | None = None
    filed: Filed | None = None
    drafted: str = ""
    pointed: str = ""
    asked: str = ""
    has_waited: bool = False

    @property
    def actor(self) -> str:
        """Who the ledger names."""
        return self.scope.actor

    def begin_again(self) -> None:
        """Forget the file and all that was said of it; the grid's rows stay."""
        self.file_name, self.content, self.proposal, self.mapping = "", b"", None, None
        self.is_settled, self.tried, self.mends, self.trouble = False, None, (), None
        self.asks_zero, self.drafted, self.pointed = False, "", ""
        self.serial += 1

    def ask(self, act: str) -> None:
        """What a button does; the page acts when it comes to it."""
        self.asked, self.has_waited = act, False

    @property
    def is_untouched(self) -> bool:
        """Nothing was put on the desk yet."""
        return not self.content and self.rows is None

    @property
    def is_stale(self) -> bool:
        """The grid was typed in since it was checked."""
        return self.tried is not None and self.way == GRID and self.typed != self.checked

    def missing_words(self) -> list[str]:
        """The 核实 codes of the check that have no explanation yet."""
        totals = self.tried.check.totals if self.tried else {}
        return [
            code
            for code in totals
            if BY_CODE[code].severity == EXPLAIN and not self.explained.get(code, "").strip()
        ]

    def needs_reason(self) -> bool:
        """The return would change a month that is accepted."""
        return self.tried is not None and any(
            preview.previous is not None and preview.rows for preview in self.tried.previews
        )

    def obstacle(self) -> str:
        """Why it may not be sent yet, in one sentence; '' = it may."""
        if self.tried is None:
            return "请先试校验。"
        if self.is_stale:
            return "表格已改动，请再次试校验。"
        check = self.tried.check
        if not check.accepted:
            count = sum(number for code, number in check.totals.items() if BY_CODE[code].severity == MUST)
            return f"还有{count}处“强制”问题，改正后才能上报。"
        if check.refused:
            return "有一列以万吨计，请先改为吨。"
        if words := self.missing_words():
            return f"还有{len(words)}项“核实”没有说明（{'、'.join(words)}），写明后才能上报。"
        if self.needs_reason() and not self.reason.strip():
            return "该月已通过审核，更正须写明原因。"
        return ""

    def can_be_annotated(self) -> bool:
        """The file could be opened, so it can come back with its findings in it."""
        totals = self.tried.check.totals if self.tried else {}
        unread = [code for code in totals if BY_CODE[code].scope == FILE and BY_CODE[code].severity == MUST]
        return bool(totals) and not unread

    def mendable(self) -> int:
        """How many places one click would put plainly."""
        totals = self.tried.check.totals if self.tried else {}
        return sum(totals.get(code, 0) for code in OFFERED)


# ------------------------------------------------------------------------------------------ the workplace


def workplace() -> Workplace:
    """The run-time folder and its ledger, opened once in a process for each pair of folders."""
    return _opened(str(home_folder()), str(data_folder()))


@st.cache_resource(show_spinner=False)
def _opened(home: str, data: str) -> Workplace:
    return opened_workplace()


def has_work(scope: Scope) -> bool:
    """Something is due, was returned or differs from a station's list: where a clerk's visit begins."""
    units = scope.units or frozenset()
    is_due = any(one.state in OPEN_STATES for one in clerk.due(workplace(), units))
    return is_due or mirror.open_count(workplace(), scope) > 0


def most_urgent(months: Sequence[Due]) -> Due | None:
    """What a clerk is shown first: what was returned, else the oldest that is open, else the newest month."""
    returned = [one for one in months if one.state == "退回"]
    waiting = [one for one in months if one.state in OPEN_STATES]
    return next(iter((*returned, *reversed(waiting), *months)), None)


def rows_said(reason: str) -> list[int]:
    """The rows that a reason of return names (第3行)."""
    return [int(number) for number in _ROWS_SAID.findall(reason)]
