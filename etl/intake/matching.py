"""Which of their columns is which of ours: proposed from headers and values, confirmed by the clerk."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass

from etl.intake.mapping import Mapping

SAME, ALIAS, SIMILAR, REMEMBERED = "同名", "别名", "相近", "已记住"


@dataclass(frozen=True)
class Match:
    """One of their columns. `position` counts from 1; `field` is our name, None = not one of ours.

    `basis` says why: 同名, 别名, 相近, 已记住, '' = no proposal. `samples`: up to three first filled cells.
    """

    position: int
    header: str
    field: str | None
    basis: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """How a file could be read. `missing`: our headers that are required and that neither a column nor the head
    block has. `ten_thousand`: the position of a column in 万吨. `signature`: sha256 of the header.
    `head`: what the head block says, our header → text. `header_row` is 0 where the file has no header.
    """

    sheet: str | None
    header_row: int
    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    ten_thousand: int | None
    signature: str
    head: dict[str, str]

    @property
    def chosen(self) -> dict[int, str]:
        """What is proposed: position → field."""
        return {match.position: match.field for match in self.matches if match.field}

    @property
    def needs_confirmation(self) -> bool:
        """True unless every column is 同名, 别名 or 已记住, nothing is missing and nothing counts in 万吨."""
        raise NotImplementedError

    @property
    def is_ordinary(self) -> bool:
        """The file is read the same without a mapping, with all its notes; so it needs none."""
        raise NotImplementedError


def mapping_of(
    proposal: Proposal,
    chosen: Dictionary[int, str],
    *,
    constants: Dictionary[str, str] | None = None,
    ten_thousand: bool = False,
) -> Mapping:
    """The mapping that takes `chosen` (position → field); `constants`: our header → one text for all rows.

    `ten_thousand`: the clerk said yes to 万吨. Errors: ValueError (Chinese) for two columns of one field,
    and for a column in 万吨 as tonnes without that answer.
    """
    raise NotImplementedError
