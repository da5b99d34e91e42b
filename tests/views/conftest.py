"""A visit for the views: a stand-in for the snapshot, and readers that give the invented page objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import session
from tests.views import page_objects


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    # What a page asks of the ledger besides: an empty one.
    monkeypatch.setenv("RAILSHIFT_HOME", str(tmp_path))
    session._cached_read.clear()
    session._cached_figure.clear()
    monkeypatch.setattr(session, "_READERS", page_objects.READERS)
    yield
    session._cached_read.clear()
    session._cached_figure.clear()
