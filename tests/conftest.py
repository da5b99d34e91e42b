"""Settings for all tests: few generated cases by default, many with HYPOTHESIS_PROFILE=long.

In CI the cases are the same on every run, so that a red run can be repeated.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

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
