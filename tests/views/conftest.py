"""A visit for the views: a stand-in for the snapshot, and readers that give the invented page objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard import session
from tests.views import page_objects


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    session._cached_read.clear()
    session._cached_figure.clear()
    monkeypatch.setattr(session, "_READERS", page_objects.READERS)
    yield
    session._cached_read.clear()
    session._cached_figure.clear()
