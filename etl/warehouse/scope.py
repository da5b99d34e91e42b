"""Who looks: every read, export and cached result goes through one Scope.

A Scope is hashable, so it is part of each cache key.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.roles import Role

__all__ = ["EVERYTHING", "NotVisible", "Role", "Scope", "check_sees_units"]

_SEES_UNITS = frozenset({Role.ANALYST, Role.LEADER, Role.ADMIN})
_SEES_SUMS = frozenset({Role.DEPARTMENT, Role.RAILWAY})


class NotVisible(Exception):
    """The scope may not see this object. The message is for the screen."""


@dataclass(frozen=True)
class Scope:
    """A role with what it may see below the city. None = all; city figures are open to every role.

    `account`: the login name behind it, '' where nobody signed in by one. `is_read_only`: somebody looks as this
    account and may do nothing in its name.
    """

    role: Role
    label: str
    counties: frozenset[str] | None = None
    units: frozenset[str] | None = None
    account: str = ""
    is_read_only: bool = False

    @property
    def actor(self) -> str:
        """Whom the ledger names: two people of one office are told apart by their accounts."""
        return f"{self.label}（{self.account}）" if self.account else self.label

    @property
    def sees_all(self) -> bool:
        return self.counties is None and self.units is None

    @property
    def sees_every_unit(self) -> bool:
        """Single units of anywhere, and sums that would tell of one (suppression.py)."""
        return self.sees_all and self.role in _SEES_UNITS

    @property
    def sees_no_unit(self) -> bool:
        """Sums only: a 部门, and the railway, whose own lists are not the enterprises' returns."""
        return self.role in _SEES_SUMS

    def county_codes(self) -> list[str] | None:
        """For a query's `$scope_counties`; None = all."""
        return None if self.counties is None else sorted(self.counties)

    def unit_codes(self) -> list[str] | None:
        """For a query's `$scope_units`; None = all."""
        if self.sees_no_unit:
            return []
        return None if self.units is None else sorted(self.units)


EVERYTHING = Scope(Role.ANALYST, "市交通运输局")


def check_sees_units(scope: Scope) -> None:
    """Errors: NotVisible for who sees sums only: for a page that is about single units."""
    if scope.sees_no_unit:
        raise NotVisible(f"“{scope.role.value}”身份只看汇总数，不查看单个企业。")
