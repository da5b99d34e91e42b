"""The demonstration, made once for all tests of a run: it takes longer than anything that is asked of it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from .command import Desk


@cache
def demonstration() -> Desk:
    """The desk of a demonstration that was made by `railshift demo`; the clock does not matter to it."""
    folder = tempfile.mkdtemp(prefix="railshift-demo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    desk = Desk(Path(folder) / "home", today="2027-05-05")
    run = desk.run("demo", "--json")
    assert (run.code, run.json["snapshot"], "Traceback" in run.err) == (0, "v1", False), run.err
    return desk
