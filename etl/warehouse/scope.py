"""Who looks: every read, export and cached result goes through one Scope.

A Scope is hashable, so it is part of each cache key.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.roles import Role

__all__ = ["EVERYTHING", "NotVisible", "Role", "Scope"]


class NotVisible(Exception):
    """The scope may not see this object. The message is for the screen."""


@dataclass(frozen=True)
class Scope:
    """A role with what it may see below the city. None = all; city figures are open to every role."""

    role: Role
    label: str
    counties: frozenset[str] | None = None
    units: frozenset[str] | None = None

    @property
    def sees_all(self) -> bool:
        return self.counties is None and self.units is None

    def county_codes(self) -> list[str] | None:
        """For a query's `$scope_counties`; None = all."""
        return None if self.counties is None else sorted(self.counties)

    def unit_codes(self) -> list[str] | None:
        """For a query's `$scope_units`; None = all."""
        return None if self.units is None else sorted(self.units)


EVERYTHING = Scope(Role.ANALYST, "市交通运输局")
