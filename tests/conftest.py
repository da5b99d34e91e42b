"""Settings for all tests: few generated cases by default, many with HYPOTHESIS_PROFILE=long.

In CI the cases are the same on every run, so that a red run can be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import postgres
import pytest
from hypothesis import HealthCheck, settings
from postgres import Cluster

SLOW_IS_FINE = [HealthCheck.too_slow]
settings.register_profile(
    "short",
    max_examples=40,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile("long", max_examples=4000, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A real PostgreSQL."""
    with postgres.running(tmp_path_factory.getbasetemp()) as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Generator[str]:
    """What the ledgers of a module lie in: its tests run on both. A fixture that makes a ledger asks for it."""
    if request.param == "sqlite":
        yield request.param
        return
    with request.getfixturevalue("cluster").ledgers():
        yield request.param
