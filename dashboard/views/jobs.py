"""作业: builds, the inbox and reminders: what ran, when, with what outcome."""

from __future__ import annotations

from dashboard import widgets


def draw() -> None:
    widgets.plain_head("作业")


draw()
