"""The indicators a second time: plain Python, exact fractions, from the specification only.

Nothing here may import the warehouse or the judge. world.py holds the inputs as plain records and what
follows from them for one unit and one month; populations.py says which rows and which units an indicator
counts; shares.py sums them; obligation.py is the spur obligation (K4); official.py the official series
(K1); verdicts.py compares; oracle.py puts the results together; tables.py reads and writes the tables that
the ledger hands to the warehouse.
"""

from .oracle import INDICATORS, Result, indicators, out_population
from .tables import tables_from_world, world_from_tables
from .world import AllocatedTarget, Movement, OfficialValue, RegistryRow, Return, SpurRow, World

__all__ = [
    "INDICATORS",
    "AllocatedTarget",
    "Movement",
    "OfficialValue",
    "RegistryRow",
    "Result",
    "Return",
    "SpurRow",
    "World",
    "indicators",
    "out_population",
    "tables_from_world",
    "world_from_tables",
]
