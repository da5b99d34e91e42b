"""The roles, and who acts: the name that the log keeps, with what the role may touch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.warehouse.scope import Scope


class Role(StrEnum):
    ENTERPRISE = "企业"
    COUNTY = "县区"
    ANALYST = "分析"
    RAILWAY = "铁路"
    DEPARTMENT = "部门"
    LEADER = "领导"
    ADMIN = "管理"


class NotAllowed(Exception):
    """The role may not do this, or not there; the message (Chinese) says who may."""


@dataclass(frozen=True)
class Actor:
    """Somebody who acts. `counties`, `units`: where the role may act, None = everywhere.

    `department` is the name under which a 部门 stands as 责任单位; '' = none.
    """

    name: str
    role: Role
    counties: frozenset[str] | None = None
    units: frozenset[str] | None = None
    department: str = ""

    @classmethod
    def of(cls, scope: Scope, name: str = "") -> Actor:
        """Whoever looks under a scope, acting; the scope names who that is unless a name is given."""
        department = scope.label if scope.role is Role.DEPARTMENT else ""
        return cls(name or scope.actor, scope.role, scope.counties, scope.units, department)


# Whoever runs the commands on the machine acts as the city's reviewer; time-driven jobs as the system.
CITY = Actor("市级审核人", Role.ANALYST)
SYSTEM = Actor("系统", Role.ANALYST)
