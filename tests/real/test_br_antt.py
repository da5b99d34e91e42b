"""Brazil's railways by origin and destination: a foreign layout, whole, by its mapping alone."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

COAL_AND_COKE = ("Carvão Mineral", "Coque", "Coque Metalúrgico")
# The rule's code is printed in reports and never reused.
REPEATED_ROW = "C005"


def published(source: Path, months: int = 12, railway: str | None = None) -> list[tuple[str, int, bool]]:
    """Commodity, tonnes and "500 km or more" of each published row, read without our code."""
    with source.open(encoding="iso-8859-1", newline="") as file:
        rows = [
            (row["Mercadoria_ANTT"], int(row["TU"].replace(".", "")), int(row["TKU"].replace(".", "")))
            for row in csv.DictReader(file, delimiter=";")
            if int(row["Mes_Ano"][:2]) <= months and railway in (None, row["Ferrovia"])
        ]
    return [(commodity, tonnes, work >= 500 * tonnes) for commodity, tonnes, work in rows]


def coal_and_coke_from_500_km(source: Path, months: int = 12, railway: str | None = None) -> int:
    rows = published(source, months, railway)
    return sum(tonnes for commodity, tonnes, is_long in rows if is_long and commodity in COAL_AND_COKE)


@pytest.fixture(scope="module")
def loaded(region):
    """The region with three years loaded, and what `load --json` said of each file."""
    br = region("br_antt_rail_od", today="2023-05-20")
    br.run("registry", "import", br.folder / "registry.csv")
    files = sorted(br.sources.glob("*.csv"))
    said = br.json("load", *files, "--mapping", br.folder / "mapping.toml")
    br.run("build")
    return br, {file["file"][-8:-4]: file for file in said["files"]}


@pytest.fixture(scope="module")
def bulk_of_2022(loaded, tmp_path_factory):
    """The rows behind C1 of 2022: bulk goods of any distance."""
    br, _ = loaded
    out = tmp_path_factory.mktemp("rows") / "rows.csv"
    br.run("rows", "--indicator", "C1", "--year", 2022, "--csv", out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def source(br, year: int) -> Path:
    return br.sources / f"producao_origem_destino_{year}.csv"


@pytest.mark.parametrize(
    "year, rows, tonnes",
    [("2019", 7_965, 494_922_270), ("2022", 7_972, 500_767_913), ("2023", 2_535, 147_560_609)],
)
def test_every_row_is_taken_and_every_tonne(loaded, year, rows, tonnes):
    """ISO-8859-1, semicolons, dots that group: no row lost, no tonne read a thousand times too small."""
    _, said = loaded
    assert said[year]["accepted"]
    assert (said[year]["rows"], Decimal(said[year]["tonnes"])) == (rows, tonnes)


def test_repeated_rows_are_reported_and_kept(loaded):
    """34 rows of 2019-12 stand twice: counted in the tonnes above, and said."""
    _, said = loaded
    assert {year: file["totals"].get(REPEATED_ROW, 0) for year, file in said.items()} == {
        "2019": 34,
        "2022": 0,
        "2023": 0,
    }


def test_coal_and_coke_of_2022(loaded, bulk_of_2022):
    br, _ = loaded
    assert sum(Decimal(row["运量吨"]) for row in bulk_of_2022 if row["货类"] in COAL_AND_COKE) == 9_744_597
    share = br.indicator("K2", 2022)
    assert (share["numerator"], share["denominator"], share["value"]) == ("2679681", "2679681", "1")
    assert (share["target"], share["verdict"]) == (None, "无目标")


def test_a_railway_is_a_corridor_too(loaded):
    br, _ = loaded
    for railway in ("MRS", "EFVM"):
        expected = coal_and_coke_from_500_km(source(br, 2022), railway=railway)
        share = br.indicator("K2", 2022, subject=railway, by="corridor")
        assert Decimal(share["denominator"]) == expected


def test_four_months_compare_with_the_same_four_months(loaded):
    """2023 has January to April only: so has the year before beside it, and nothing is missing."""
    br, _ = loaded
    for year in (2022, 2023):
        share = br.indicator("K2", year, through=4)
        assert Decimal(share["denominator"]) == coal_and_coke_from_500_km(source(br, year), months=4)
        assert share["reports_expected"] == share["reports_received"] == 13 * 4
    assert Decimal(br.indicator("K2", 2023, through=4)["denominator"]) == 787_807


def test_a_year_that_is_not_there_is_missing_not_zero(loaded):
    """2020 was not loaded: its returns were due, so its share says nothing yet."""
    br, _ = loaded
    share = br.indicator("K2", 2020)
    assert (share["value"], share["reports_received"]) == (None, 0)
    assert share["reports_expected"] == 12 * 12


def test_a_distance_is_exact_and_not_rounded_up_to_the_bound(bulk_of_2022):
    """19 996 tkm ÷ 40 t is 499.9 km, and stays under 500."""
    sand = [
        row
        for row in bulk_of_2022
        if (row["货类"], row["起点"], row["月份"]) == ("Areia", "Sobral", "2022-02")
    ]
    assert ("40", "499.9") in {(row["运量吨"], row["运距公里"]) for row in sand}
