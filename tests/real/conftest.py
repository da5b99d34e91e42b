"""Real public files of other places, taken in by the ordinary commands with declared data alone.

The files stand beside the project and are never committed; where they are absent the tests say so
and are skipped. Each region is a folder: `data/` (its targets and names), `mapping*.toml` (its
layout) and, where lists follow from the files, `declare.py`, which writes them at test time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
PUBLIC_FILES = PROJECT.parent / "shared" / "realdata"


@dataclass(frozen=True)
class Region:
    """One region under trial: its public files, its folder here, and a home of its own."""

    sources: Path
    folder: Path
    work: Path
    today: str
    printed: dict[tuple[int, int, str], list[dict]] = field(default_factory=dict)

    def run(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """`railshift` with this region's home and declared data; its exit code must be `code`."""
        done = subprocess.run(
            [sys.executable, "-c", "from etl.cli import main; main()", *map(str, arguments)],
            cwd=PROJECT,
            env={
                **os.environ,
                "RAILSHIFT_HOME": str(self.work / "home"),
                "RAILSHIFT_DATA": str(self.work / "data"),
                "RAILSHIFT_TODAY": self.today,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: object, code: int = 0) -> dict:
        """The one JSON object that a command prints with --json."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def indicator(
        self, name: str, year: int, through: int = 12, subject: str = "全市", by: str = "city"
    ) -> dict:
        """One indicator of one object, as `indicators --json` prints it; each period is asked for once."""
        asked = (year, through, by)
        if asked not in self.printed:
            said = self.json("indicators", "--year", year, "--through", through, "--by", by)
            self.printed[asked] = said["indicators"]
        (found,) = [i for i in self.printed[asked] if (i["id"], i["object"]) == (name, subject)]
        return found


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Region]:
    """A region by name and day: its declared data laid out, its ledger opened, nothing loaded."""

    def make(name: str, today: str) -> Region:
        sources = PUBLIC_FILES / name
        if not sources.is_dir():
            pytest.skip(f"the public files {name} are not beside the project")
        here, work = HERE / name, tmp_path_factory.mktemp(name)
        shutil.copytree(HERE / "blank", work / "data")
        shutil.copytree(here / "data", work / "data", dirs_exist_ok=True)
        if (here / "declare.py").is_file():
            files = sorted(
                path for path in sources.iterdir() if path.name.partition(".")[2].startswith("csv")
            )
            subprocess.run([sys.executable, here / "declare.py", *files, work], check=True)
        made = Region(sources, here, work, today)
        made.run("init")
        return made

    return make
