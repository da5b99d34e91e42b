"""The registry (名录) as intake asks it: whose code is this, and what is the unit called that month?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import pyarrow as pa

from etl.intake import words as w


class Unit(NamedTuple):
    """Whose line it is. `unit_code` None: cannot be told; `shown` is what a list of refusals names."""

    unit_code: str | None
    shown: str | None
    unit_problem: str | None = None
    unit_known: str | None = None
    name_problem: str | None = None
    registered_name: str | None = None


@dataclass
class RegistryView:
    """Registered units by unit code and by uscc; `parks`: folded name or code of a 物流园区 → unit code."""

    any_key: bool
    names: dict[str, list[tuple[date, str]]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    by_uscc: dict[str, list[str]] = field(default_factory=dict)
    parks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: pa.Table, unit_key: str) -> RegistryView:
        """The view of a table with the columns of `registry_as_of`."""
        view = cls(any_key=unit_key != "uscc")
        for row in registry.select(["unit_code", "uscc", "name", "kind", "valid_from"]).to_pylist():
            code, owner = row["unit_code"], row["uscc"] or row["unit_code"]
            view.names.setdefault(code, []).append((row["valid_from"] or date.min, row["name"]))
            view.owners[code] = owner
            codes = view.by_uscc.setdefault(owner, [])
            if code not in codes:
                codes.append(code)
            if row["kind"] == "物流园区":
                view.parks.update({w.fold(row["name"]): row["name"], w.fold(code): row["name"]})
        for history in view.names.values():
            history.sort()
        return view

    def name_on(self, unit_code: str, day: date | None) -> str:
        """The name in force on a day; before the first row the first, without a day the last."""
        history = self.names[unit_code]
        in_force = [name for start, name in history if day is None or start <= day]
        return in_force[-1] if in_force else history[0][1]

    def resolve(self, code: w.Word, unit_code: w.Word, name: w.Word, day: date | None) -> Unit:
        """The unit that a line's code, unit code and name mean."""
        unit, problem, known = self._unit(code, unit_code)
        if unit is None:
            return Unit(None, unit_code.value or code.value, problem, known)
        registered = self.name_on(unit, day)
        if name.reading == w.BLANK:
            name_problem = "blank"
        else:
            differs = name.value is not None and w.fold(name.value) != w.fold(registered)
            name_problem = "differs" if differs else None
        return Unit(unit, unit, problem, known, name_problem, registered)

    def _unit(self, code: w.Word, unit_code: w.Word) -> tuple[str | None, str | None, str | None]:
        if self.any_key:
            return self._by_any_key(code, unit_code)
        if code.value is None:
            # The code's own rule speaks; a registered unit code still tells whose month it is.
            unit = unit_code.value if unit_code.value in self.names else None
            return unit, "blank" if code.reading == w.BLANK else None, None
        codes = self.by_uscc.get(code.value)
        if codes is None:
            return None, "unregistered", None
        known = "、".join(codes)
        if unit_code.value is not None:
            if unit_code.value in codes:
                return unit_code.value, None, None
            return None, "mismatch", known
        if len(codes) > 1:
            return None, "several", known
        return codes[0], None, None

    def _by_any_key(self, code: w.Word, unit_code: w.Word) -> tuple[str | None, str | None, str | None]:
        key = unit_code.value or code.value
        if key is None:
            readings = {code.reading, unit_code.reading}
            return None, "blank" if readings == {w.BLANK} else None, None
        if key in self.names:
            return key, None, None
        codes = self.by_uscc.get(key, [])
        if len(codes) == 1:
            return codes[0], None, None
        return None, "several" if codes else "unregistered", "、".join(codes) or None
