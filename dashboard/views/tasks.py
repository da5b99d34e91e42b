"""重点任务: the plan's measures, the tasks under each, the problems and who is to act."""

from __future__ import annotations

from dashboard import widgets


def draw() -> None:
    widgets.plain_head("重点任务")


draw()
