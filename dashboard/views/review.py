"""审核: what waits for the reviewer, what it would change, and the decision."""

from __future__ import annotations

from dashboard import widgets


def draw() -> None:
    widgets.plain_head("审核")


draw()
