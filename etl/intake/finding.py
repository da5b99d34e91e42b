"""What a check says about a file: findings (theirs to mend) and refusals (the file cannot be read)."""

from __future__ import annotations

from dataclasses import dataclass

MUST = "强制"
EXPLAIN = "核实"
NOTE = "提示"
# What stops first, then what asks.
SEVERITIES = (MUST, EXPLAIN, NOTE)


@dataclass(frozen=True)
class Finding:
    """One thing found in a file. Rows as Excel shows them, column as its header in the file."""

    code: str
    severity: str
    sheet: str | None
    row: int | None
    column: str | None
    value: str | None
    message: str
    remedy: str

    def to_json(self) -> dict[str, object]:
        """The finding under the names of `check --json`."""
        return dict(vars(self))


class Refusal(Exception):
    """The file cannot be read at all; `finding` says why, where, and what to do about it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding

    def __reduce__(self) -> tuple[type[Refusal], tuple[Finding]]:
        # An exception is rebuilt from its message by default; this one crosses processes.
        return Refusal, (self.finding,)

    @property
    def message(self) -> str:
        return self.finding.message

    @property
    def remedy(self) -> str:
        return self.finding.remedy
