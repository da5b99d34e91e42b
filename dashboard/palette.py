"""The colours, and only those that carry meaning: modes, lights, ink.

The same meaning in light and dark; the dark shades are lighter so that they stand out as much.
A light is never its colour alone: `SHAPES` and the word go with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.plan import Light

FONT = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Source Han Sans SC, sans-serif"
RAIL, ROAD, NEW_ENERGY, BELT = "铁路", "公路", "公路（新能源）", "皮带廊道"
# The css class of each mode and light; style.css gives it the same colours as here.
MODE_CLASSES = {RAIL: "rail", ROAD: "road", NEW_ENERGY: "newenergy", BELT: "belt"}
LIGHT_CLASSES = {Light.GREEN: "green", Light.YELLOW: "yellow", Light.RED: "red", None: "none"}


@dataclass(frozen=True)
class Palette:
    """Colours of the figures. `soft` is for labels that stand back, `line` for grid lines."""

    ink: str
    soft: str
    line: str
    rail: str
    road: str
    newenergy: str
    green: str
    yellow: str
    red: str

    def light(self, light: Light | None) -> str:
        colours = {Light.GREEN: self.green, Light.YELLOW: self.yellow, Light.RED: self.red}
        return self.soft if light is None else colours[light]


LIGHT_PALETTE = Palette(
    "#1b2430", "#65707c", "#e1e6eb", "#1f4e79", "#a39c90", "#83a08a", "#2e7d32", "#a86a12", "#b3261e"
)
DARK_PALETTE = Palette(
    "#e3e8ee", "#9aa6b2", "#2c353f", "#6ea3d3", "#948c80", "#88ac90", "#6cbf73", "#dba24a", "#ef8a80"
)


def palette(is_dark: bool) -> Palette:
    return DARK_PALETTE if is_dark else LIGHT_PALETTE
