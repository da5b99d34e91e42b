"""公开版: the city's confirmed and public figures and nothing else, whatever the rest of the data says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from oracle.published import snapshot_of

from etl import wording
from etl.public_commands import write
from etl.warehouse import public_edition
from etl.warehouse.public_edition import PublicEdition
from etl.warehouse.snapshot import Snapshot

OFFICIAL = """
month   | object_type | object | value    | status   | published_on | is_public | source
2025-01 | 全市        | 全市   | 1700.11  | 快报     | 2025-02-05   | 是        | 车务段
2025-01 | 全市        | 全市   | 1700.22  | 月报确报 | 2025-02-20   | 是        | 车务段
2025-01 | 全市        | 全市   | 1700.33  | 年报核定 | 2026-01-10   | 否        | 车务段
2025-02 | 全市        | 全市   | 1800.44  | 月报确报 | 2025-03-20   | 是        | 车务段
2025-03 | 全市        | 全市   | 1900.55  | 月报确报 | 2025-04-20   | 是        | 车务段
2025-04 | 全市        | 全市   | 1600.66  | 快报     | 2025-05-05   | 是        | 车务段
2025-05 | 全市        | 全市   | 1650.77  | 月报确报 | 2025-06-20   | 否        | 车务段
2025-06 | 通道        | 朔黄   | 1111.88  | 月报确报 | 2025-07-20   | 是        | 车务段
2025-06 | 县区        | 140925 | 2222.99  | 月报确报 | 2025-07-20   | 是        | 车务段
"""


def world(units: dict[str, tuple[str, str]], missing: str = "") -> dict[str, str]:
    """Units with their rail and road tonnes of each month from January to March 2025."""
    registry = "\n".join(
        f"{unit} | {COAL_COUNTY if i % 2 else OTHER_COUNTY} | 2025-01" for i, unit in enumerate(units)
    )
    rows = "\n".join(
        f"{unit} | 2025-{month:02d} | {mode} | {tonnes}"
        for unit, amounts in units.items()
        for month in (1, 2, 3)
        for mode, tonnes in zip(("铁路", "公路"), amounts, strict=True)
        if f"{unit}{month}" != missing
    )
    return {
        "registry": f"unit_code | county_code | due_from\n{registry}",
        "spurs": "user_code\n" + "\n".join(units),
        "rows": f"unit_code | month | mode | tonnes\n{rows}",
        "official": OFFICIAL,
        "as_of": "2025-04-15",
    }


LIKE = {
    "甲甲甲": ("811.377", "201.411"),
    "乙乙乙": ("822.399", "202.433"),
    "丙丙丙": ("833.477", "203.499"),
}


def edition(tmp_path: Path, **given: Any) -> tuple[Snapshot, PublicEdition]:
    snapshot = snapshot_of(drawn(**given), tmp_path)
    return snapshot, public_edition.read(snapshot)


def row(page: PublicEdition, name: str, period: str = "2025年1—3月") -> dict[str, str]:
    rows = page.indicators.frame.to_dict("records")
    return next(one for one in rows if (one["时期"], one["指标"]) == (period, name))


def test_of_the_official_series_only_what_is_public_and_confirmed(tmp_path: Path):
    _, page = edition(tmp_path, **world(LIKE) | {"as_of": "2026-01-15"})
    found = page.official.frame[["月份", "数值万吨", "状态"]].itertuples(index=False)
    assert [(month, str(value), status) for month, value, status in found] == [
        ("2025-01", "1700.220000", "月报确报"),
        ("2025-02", "1800.440000", "月报确报"),
        ("2025-03", "1900.550000", "月报确报"),
    ]
    told = row(page, "铁路货运量")
    assert (told["数值"], told["目标"], told["结论"]) == ("5401.21", "21584", "达到序时进度")
    # April is a 快报, so the half year is not known to the public.
    assert (row(page, "铁路货运量", "2025年1—6月")["数值"]) == ""


def test_a_part_of_the_operators_is_no_total(tmp_path: Path):
    official = """
    month   | operator | value | status   | is_public
    2025-01 | 朔黄     | 600   | 月报确报 | 是
    2025-01 | 国铁     | 500   | 月报确报 | 否
    2025-02 | 朔黄     | 610   | 月报确报 | 是
    2025-02 | 国铁     | 510   | 月报确报 | 是
    """
    _, page = edition(tmp_path, **world(LIKE) | {"official": official})
    assert page.official.frame[["月份", "数值万吨"]].values.tolist() == [["2025-02", 1120]]


def test_a_share_of_three_units_is_told_and_of_two_is_not(tmp_path: Path):
    _, page = edition(tmp_path / "three", **world(LIKE))
    told = row(page, "专用线单位大宗铁路占比")
    assert (told["数值"], told["结论"]) == ("80.2", "当前达到目标值")
    _, page = edition(tmp_path / "two", **world({unit: LIKE[unit] for unit in ("甲甲甲", "乙乙乙")}))
    told = row(page, "专用线单位大宗铁路占比")
    assert (told["数值"], told["结论"], told["说明"]) == ("", "", wording.WITHHELD)


def test_a_share_with_a_return_missing_is_not_told(tmp_path: Path):
    units = LIKE | {"丁丁丁": ("844.511", "204.533")}
    _, page = edition(tmp_path, **world(units, missing="丁丁丁3"))
    told = row(page, "专用线单位大宗铁路占比")
    assert (told["数值"], told["说明"]) == ("", "数据尚不完整，暂不公布")


def test_the_files_say_which_edition_they_are_and_name_nobody(tmp_path: Path):
    snapshot, page = edition(tmp_path, **world(LIKE))
    files = write(page, tmp_path / "out")
    assert [file.suffix for file in files] == [".csv", ".csv", ".json"]
    for file in files:
        assert "_公开版_" in file.name
        text = file.read_text(encoding="utf-8-sig")
        assert "公开版" in text
        assert "车务段" in text or "企业月报" in text
        for hidden in (
            *LIKE,
            "公司",
            *snapshot.counties.values(),
            "朔黄",
            '快报"',
            "1700.11",
            "1600.66",
            "1650.77",
        ):
            assert hidden not in text
        assert not any(tonnes in text for amounts in LIKE.values() for tonnes in amounts)
    content = json.loads(files[2].read_text(encoding="utf-8"))
    assert content["edition"] == "公开版"
    assert content["official"][0]["来源"] == "车务段"


@pytest.mark.parametrize("query", ["public_official", "public_share"])
def test_its_queries_know_no_unit_and_no_place(tmp_path: Path, query: str):
    snapshot, _ = edition(tmp_path, **world(LIKE))
    given = {"first": snapshot.last_month.replace(month=1), "last": snapshot.last_month}
    if query == "public_share":
        given["indicators"] = ["K3"]
    rows = snapshot.rows(query, **given)
    assert rows
    assert not {"unit_code", "county_code", "corridor", "object"} & set(rows[0])
