"""The story, told once for every test of this folder."""

from __future__ import annotations

import pytest

from . import story
from .command import Desk
from .story import AMENDED, RECEIVED, B, Told

ROWS: dict[str, tuple[str, ...]] = {
    "K2 city": ("--indicator", "K2"),
    "K3 city": ("--indicator", "K3"),
    "K5 city": ("--indicator", "K5"),
    "K5 of B": ("--indicator", "K5", "--enterprise", B),
    "K5 朔黄": ("--indicator", "K5", "--corridor", "朔黄"),
    "K1 city": ("--indicator", "K1"),
}


@pytest.fixture(scope="package")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    base = tmp_path_factory.mktemp("story")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    files = base / "files"
    story.write_files(files)
    told = Told(desk, files)
    run = told.runs
    run["init"] = desk.run("init")
    run |= story.import_tables(desk, files)
    run["load"] = desk.run(
        "load", files / "a.csv", files / "bc.csv", files / "p.xlsx", "--received", RECEIVED, "--json"
    )
    run["build"] = desk.run("build", "--json")
    for by in ("city", "county", "corridor", "enterprise"):
        run[by] = desk.run("indicators", "--year", 2025, "--by", by, "--json")
    run["january"] = desk.run("indicators", "--year", 2025, "--through", 1, "--json")
    run["lines"] = desk.run("indicators", "--year", 2025)
    for name, options in ROWS.items():
        run[name] = desk.run("rows", *options, "--year", 2025, "--csv", files / f"{name}.out.csv", "--json")
    run["again"] = desk.run("load", files / "a.csv", files / "bc.csv", "--received", AMENDED, "--json")
    run["amend"] = desk.run(
        "load", files / "a-更正.csv", "--received", AMENDED, "--reason", "漏报一列车", "--json"
    )
    run["not yet"] = desk.run("indicators", "--year", 2025, "--as-of", "2025-03-10", "--json")
    for day in ("2025-03-10", AMENDED):
        run[f"build {day}"] = desk.run("build", "--as-of", day, "--json")
        run[day] = desk.run("indicators", "--year", 2025, "--as-of", day, "--json")
    run["still"] = desk.run("indicators", "--year", 2025, "--json")
    run["build 2"] = desk.run("build")
    run["now"] = desk.run("indicators", "--year", 2025, "--json")
    return told
