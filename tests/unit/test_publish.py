"""Publishing: one pointer that moves in one step, readers that keep their version, builds that repeat."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path

import duckdb
import pytest
from oracle.drawn import drawn
from oracle.published import inputs_of, snapshot_of
from oracle.world import World

from etl.warehouse import build as building
from etl.warehouse import publish
from etl.warehouse.publish import BuildRunning, current_path, next_path, point_to, put, single_flight
from etl.warehouse.snapshot import NothingPublished, Snapshot, current

WORLD = drawn(
    registry="unit_code|due_from\nA|2025-01\nB|2025-01",
    spurs="user_code\nA",
    rows="""
    unit_code | direction | counterparty | mode | tonnes
    A         | 发运      | B            | 铁路 | 90
    A         | 发运      |              | 公路 | 10.5
    B         | 到达      | A            | 铁路 | 90
    """,
    official="month|value\n2025-01|1800.25",
    targets="year|indicator|object_type|object|value\n2025|K1|通道|朔黄|6800",
)


@lru_cache
def built(world: World) -> bytes:
    """A built file; what is published matters here less than how."""
    with tempfile.TemporaryDirectory() as folder:
        return snapshot_of(world, Path(folder)).path.read_bytes()


def publish_world(home: Path, world: World = WORLD) -> Path:
    """Publish a built file, as the pipeline does it."""
    with single_flight(home):
        target = next_path(home)
        whole = publish.building_path(target)
        whole.write_bytes(built(world))
        put(whole, target)
        point_to(home, target)
    return target


def names(home: Path) -> list[str]:
    return sorted(file.name for file in (home / "warehouse").iterdir() if not file.name.startswith("."))


def test_before_the_first_build(tmp_path: Path):
    assert current_path(tmp_path) is None
    with pytest.raises(NothingPublished, match="railshift build"):
        current(tmp_path)


def test_a_pointer_to_a_file_that_is_gone_is_said(tmp_path: Path):
    publish_world(tmp_path)
    (tmp_path / "warehouse" / "v1.duckdb").unlink()
    with pytest.raises(NothingPublished, match="尚未生成数据"):
        current(tmp_path)


def test_a_reader_keeps_the_version_that_it_opened(tmp_path: Path):
    publish_world(tmp_path)
    old = current(tmp_path)
    assert current(tmp_path) is old
    more = drawn(registry="unit_code\nA", rows="unit_code|tonnes\nA|7")
    publish_world(tmp_path, more)
    new = current(tmp_path)
    assert (old.version, new.version) == ("v1", "v2")
    assert (old == new, len({old, new})) == (False, 2)
    total = [sum(row["tonnes"] for row in one.rows("excluded", county=None, **WHOLE)) for one in (old, new)]
    assert total == [0, 0]
    units = [[row["unit_code"] for row in one.rows("units", **ALL)] for one in (old, new)]
    assert units == [["A", "B"], ["A"]]


WHOLE = {"first": date(2025, 1, 1), "last": date(2025, 12, 1)}
ALL = {"scope_counties": None, "scope_units": None}


def test_three_versions_are_kept_and_an_open_one_lives_on(tmp_path: Path):
    first = publish_world(tmp_path)
    reader = current(tmp_path)
    for _ in range(3):
        publish_world(tmp_path)
    assert names(tmp_path) == ["CURRENT", "v2.duckdb", "v3.duckdb", "v4.duckdb"]
    assert not first.exists()
    assert [row["unit_code"] for row in reader.rows("units", **ALL)] == ["A", "B"]
    assert publish_world(tmp_path).name == "v5.duckdb"


def test_what_is_kept_for_a_day_is_not_among_the_versions(tmp_path: Path):
    """A state as of a day stays, whatever is published after it, and is not what readers get."""
    day = publish.as_of_path(tmp_path, date(2025, 3, 10))
    publish_world(tmp_path)
    day.write_bytes((tmp_path / "warehouse" / "v1.duckdb").read_bytes())
    for _ in range(4):
        publish_world(tmp_path)
    assert names(tmp_path) == ["CURRENT", "asof-2025-03-10.duckdb", "v3.duckdb", "v4.duckdb", "v5.duckdb"]
    assert current(tmp_path).version == "v5"


def test_the_pointer_moves_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever fails before the last rename, the old pointer is whole; what is half written is not read."""
    publish_world(tmp_path)
    replaced: list[tuple[str, str]] = []
    real = publish.os.replace

    def replace(source: Path, target: Path) -> None:
        replaced.append((source.name, target.name))
        if target.name == publish.POINTER:
            raise OSError("no space")
        real(source, target)

    monkeypatch.setattr(publish.os, "replace", replace)
    with pytest.raises(OSError, match="no space"):
        publish_world(tmp_path)
    monkeypatch.undo()
    assert replaced == [("v2.duckdb.building", "v2.duckdb"), ("CURRENT.new", "CURRENT")]
    assert current(tmp_path).version == "v1"
    # The name that was taken is not taken twice.
    assert publish_world(tmp_path).name == "v3.duckdb"
    assert current(tmp_path).version == "v3"


def test_what_a_killed_build_left_is_cleared(tmp_path: Path):
    publish_world(tmp_path)
    folder = tmp_path / "warehouse"
    for leftover in ("v2.duckdb.building", "v2.duckdb.building.wal", "asof-2025-01-01.duckdb.building"):
        (folder / leftover).write_bytes(b"half")
    publish_world(tmp_path)
    assert names(tmp_path) == ["CURRENT", "v1.duckdb", "v2.duckdb"]


def test_versions_are_numbers_not_words(tmp_path: Path):
    folder = tmp_path / "warehouse"
    folder.mkdir()
    for number in (8, 9, 10):
        (folder / f"v{number}.duckdb").touch()
    assert next_path(tmp_path).name == "v11.duckdb"
    point_to(tmp_path, folder / "v10.duckdb")
    (folder / "v11.duckdb").touch()
    point_to(tmp_path, folder / "v11.duckdb")
    assert names(tmp_path) == ["CURRENT", "v10.duckdb", "v11.duckdb", "v9.duckdb"]


HOLD = """
import sys
from pathlib import Path
from etl.warehouse.publish import single_flight
with single_flight(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_only_one_build_at_a_time(tmp_path: Path):
    """Another process holds the lock: refused with what to do; when it is gone, the next build runs."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BuildRunning, match="正在进行，请稍候再试"), single_flight(tmp_path):
            pass
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.wait() == 0
    with single_flight(tmp_path):
        pass
    with pytest.raises(ZeroDivisionError), single_flight(tmp_path):
        raise ZeroDivisionError
    assert publish_world(tmp_path).name == "v1.duckdb"


def content(path: Path) -> dict[str, list[tuple]]:
    """Each table and view of a file with its columns and its rows, whatever their order."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
        views = [
            name
            for (name,) in connection.execute(
                "select view_name from duckdb_views() where not internal"
            ).fetchall()
        ]
        found = {}
        for name in sorted(tables + views):
            result = connection.execute(f'select * from "{name}"')  # noqa: S608 - names of our own tables
            columns = tuple((column[0], str(column[1])) for column in result.description)
            found[name] = [columns, *sorted(result.fetchall(), key=repr)]
    return found


def test_the_same_inputs_give_the_same_content(tmp_path: Path):
    """Table by table, also where the rows come in another order."""
    turned = drawn(
        registry="unit_code|due_from\nB|2025-01\nA|2025-01",
        spurs="user_code\nA",
        rows="""
        unit_code | direction | counterparty | mode | tonnes
        B         | 到达      | A            | 铁路 | 90
        A         | 发运      | B            | 铁路 | 90
        A         | 发运      |              | 公路 | 10.5
        """,
        official="month|value\n2025-01|1800.25",
        targets="year|indicator|object_type|object|value\n2025|K1|通道|朔黄|6800",
    )
    found = []
    for number, world in enumerate((WORLD, WORLD, turned)):
        home = tmp_path / str(number)
        found.append(content(snapshot_of(world, home).path))
    assert found[0] == found[1]
    # Which submission a row came by is another matter: the ledger numbers them as they come.
    numbered = {"in_submission", "fact_movement", "fact_report"}
    assert {n: rows for n, rows in found[0].items() if n not in numbered} == {
        n: rows for n, rows in found[2].items() if n not in numbered
    }
    assert {"cube", "out_population", "out_official", "flow", "measure", "dim_unit_month"} <= set(found[0])
    assert "in_row" not in found[0]
    assert len(found[0]["cube"]) == 1 + 3


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"row_count": 4}, "明细行数与已通过的月报不符"),
        ({"repeated": True}, "同一单位同一月份有多份月报"),
    ],
)
def test_a_build_that_does_not_hold_together_is_refused(tmp_path: Path, broken: dict, message: str):
    """Fewer rows than the ledger accepted; two returns for one month: the old version stays."""
    publish_world(tmp_path)
    inputs = inputs_of(WORLD, tmp_path)
    rows = inputs.submissions.to_pylist()
    if broken.get("repeated"):
        rows.append(rows[0] | {"submission_id": 99})
    else:
        rows[0] |= broken
    spoilt = building.Inputs(
        **{
            **vars(inputs),
            "submissions": inputs.submissions.from_pylist(rows, schema=inputs.submissions.schema),
        }
    )
    unfinished = publish.building_path(next_path(tmp_path))
    with pytest.raises(building.BuildRefused, match=message):
        building.build(unfinished, spoilt, WORLD.declared, WORLD.as_of)
    assert current(tmp_path).version == "v1"
    assert publish_world(tmp_path).name == "v2.duckdb"


def test_a_published_file_is_closed_to_everything_else(tmp_path: Path):
    """Read only, no file of the machine, no setting that opens one."""
    reader = Snapshot(publish_world(tmp_path))
    cursor = reader._connection.cursor()
    for statement in (
        "create table t (x int)",
        "select * from read_csv('/etc/hostname')",
        "set enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error):
            cursor.execute(statement)
