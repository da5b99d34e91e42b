"""The national series of freight by mode: 当期 and 累计 side by side, gaps, a caliber that changed."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from etl.warehouse import publish

ROAD = "select {what} from out_official where mode = '公路' and period_kind = '{kind}' {more}"


@pytest.fixture(scope="module")
def loaded(region):
    """The region with the three series imported and built."""
    cn = region("cn_nbs_monthly", today="2024-02-01")
    rows = {
        mapping.stem: cn.json("official", "import", cn.sources / "a0901.csv", "--mapping", mapping)["rows"]
        for mapping in sorted(cn.folder.glob("mapping_*.toml"))
    }
    cn.run("build")
    return cn, rows


def test_only_the_rows_of_each_series_are_taken(loaded):
    """Of 4 488 rows: rail 228 months twice; road with 11 Decembers of 当期 not published."""
    _, rows = loaded
    assert rows == {
        "mapping_rail": 228 * 2,
        "mapping_road_2005_2019": 180 * 2 - 11,
        "mapping_road_2020_2023": 48 * 2,
    }


def test_the_year_is_the_published_total_not_the_sum_of_months(loaded):
    """累计 500 651.72, Σ 当期 500 611.84, and never their sum. The declared trial target is 500 000."""
    cn, _ = loaded
    rail = cn.indicator("K1", 2023)
    assert (rail["value"], rail["unit"], rail["caliber"]) == ("500651.72", "万吨", "货运量")
    assert (rail["target"], rail["gap"], rail["verdict"]) == ("500000", "-651.72", "达标")


@pytest.mark.parametrize(
    "year, through, value, verdict",
    [(2023, 11, "457093.54", "落后"), (2022, 12, "493320.42", "无目标"), (2005, 1, "22100", "无目标")],
)
def test_any_month_back_to_2005(loaded, year, through, value, verdict):
    cn, _ = loaded
    rail = cn.indicator("K1", year, through=through)
    assert (rail["value"], rail["verdict"]) == (value, verdict)


def test_december_alone_is_current(loaded, tmp_path):
    cn, _ = loaded
    out = tmp_path / "rows.csv"
    cn.run("rows", "--indicator", "K1", "--year", 2023, "--csv", out)
    lines = [line.split(",") for line in out.read_text(encoding="utf-8-sig").splitlines()]
    place = {name: lines[0].index(name) for name in ("月份", "期别", "数值万吨")}
    found = {(line[place["月份"]], line[place["期别"]]): line[place["数值万吨"]] for line in lines[1:]}
    assert found["2023-12", "当期"] == "43558.18"
    assert found["2023-12", "累计"] == "500651.72"


def test_road_decembers_that_were_not_published_are_gaps(loaded):
    """No row stands for them, and no 累计 is put in their place; the calibers do not mix."""
    cn, _ = loaded
    with duckdb.connect(str(publish.current_path(cn.work / "home")), read_only=True) as published:
        months = published.sql(ROAD.format(what="month", kind="当期", more="")).fetchall()
        known = {(month.year, month.month) for (month,) in months}
        calibers = published.sql(
            ROAD.format(
                what="caliber, min(year(month)), max(year(month))",
                kind="累计",
                more="group by all order by 2",
            )
        ).fetchall()
        (december,) = published.sql(
            ROAD.format(what="value", kind="累计", more="and month = date '2018-12-01'")
        ).fetchall()
    missing = {(year, month) for year in range(2005, 2024) for month in range(1, 13)} - known
    assert missing == {(year, 12) for year in (*range(2007, 2017), 2018)}
    assert calibers == [
        ("2020年前口径", 2005, 2019),
        ("2020年起口径", 2020, 2023),
    ]
    assert december[0] > Decimal(3_000_000)
