"""The demonstration set: the committed files are what the script writes, they fit the declared data,
and the story that they tell (shares, bounds, missing returns) is there by a plain count of its own."""

import csv
import subprocess
import sys
from calendar import monthrange
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from stdnum.cn import uscc as second_opinion

from etl.reference import load_declared

DATA = Path(__file__).parents[2] / "data"
SAMPLE = DATA / "sample"
RAIL, ROAD, NEV, BELT = "铁路", "公路", "公路（新能源）", "皮带廊道"
NOT_REGISTERED: dict[str, str] = defaultdict(str)
MONTHS = [f"{y}-{m:02d}" for y in range(2022, 2027) for m in range(1, 13) if (y, m) <= (2026, 9)]


def table(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        next(file)
        return list(csv.DictReader(file))


def code(row: dict[str, str]) -> str:
    return row["填报单位编码"] or row["统一社会信用代码"]


@cache
def declared():
    return load_declared(DATA, SAMPLE)


@cache
def registry() -> dict[str, list[dict[str, str]]]:
    history = defaultdict(list)
    for row in table("registry.csv"):
        history[code(row)].append(row)
    return history


@cache
def unit_named(name: str) -> str:
    return next(unit for unit, rows in registry().items() if rows[0]["企业名称"] == name)


def in_force(unit: str, month: str) -> dict[str, str]:
    year, number = int(month[:4]), int(month[5:])
    day = f"{month}-{monthrange(year, number)[1]}"
    return next((row for row in reversed(registry()[unit]) if row["生效日期"] <= day), NOT_REGISTERED)


def is_expected(unit: str, month: str) -> bool:
    row = in_force(unit, month)
    inside = row["应报起"] and row["应报起"] <= month <= (row["应报止"] or "9999")
    return bool(inside) and row["生产状态"] == "正常"


def first_month_of_access(row: dict[str, str]) -> str:
    day = max(row["开通日期"], row["使用起"])
    year, number = int(day[:4]), int(day[5:7])
    return day[:7] if day.endswith("-01") else f"{year + number // 12}-{number % 12 + 1:02d}"


@cache
def access() -> dict[str, str]:
    open_lines = [row for row in table("spurs.csv") if row["状态"] == "开通"]
    return {row["使用单位"]: first_month_of_access(row) for row in open_lines}


@cache
def returns() -> dict[tuple[str, str], list[dict[str, str]]]:
    """Every unit-month as last told; a 零申报 has its one row without tonnes."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for month in MONTHS:
        for name in (f"{month}.csv", f"{month}-更正.csv"):
            if (SAMPLE / "returns" / name).is_file():
                told = defaultdict(list)
                for row in table(f"returns/{name}"):
                    told[code(row), row["月份"]].append(row)
                found |= told
    return found


def movements(first: str = "", last: str = "9999") -> list[tuple[str, dict[str, str], Decimal]]:
    return [
        (unit, row, Decimal(row["运量吨"]))
        for (unit, month), rows in returns().items() if first <= month <= last
        for row in rows if row["运量吨"]
    ]  # fmt: skip


def distance(row: dict[str, str]) -> Decimal:
    return Decimal(row["运距公里"])


def counts_once(unit: str, row: dict[str, str]) -> bool:
    partner = row["对方单位"]
    if not partner:
        return True
    other = partner if partner in registry() else unit_named(partner)
    if not is_expected(other, row["月份"]):
        return True
    kinds = in_force(unit, row["月份"])["单位类型"], in_force(other, row["月份"])["单位类型"]
    return row["方向"] == "发运" and kinds != ("物流园区", "工矿企业")


def share_k2(first: str, last: str) -> Decimal:
    coal_counties = {area.county_code for area in declared().coal_areas}
    rail = total = Decimal(0)
    for unit, row, tonnes in movements(first, last):
        member = in_force(unit, row["月份"])
        if (
            row["货类"] in ("煤炭", "焦炭") and row["短驳"] == "否" and distance(row) >= 500
            and member["单位类型"] == "工矿企业" and member["大型"] == "是"
            and member["县区代码"] in coal_counties and counts_once(unit, row)
        ):  # fmt: skip
            total += tonnes
            rail += tonnes if row["运输方式"] == RAIL else 0
    return rail / total


def k3_of(first: str, last: str, only: str = "") -> tuple[Decimal, Decimal]:
    rail = total = Decimal(0)
    for unit, row, tonnes in movements(first, last):
        member = in_force(unit, row["月份"])
        large = member["单位类型"] == "工矿企业" and member["大型"] == "是"
        if (
            row["货类"] in bulk() and row["短驳"] == "否" and row["运输方式"] in (RAIL, ROAD, NEV)
            and access().get(unit, "9999") <= row["月份"] and (large or member["新建"] == "是")
            and (unit == only if only else counts_once(unit, row))
        ):  # fmt: skip
            total += tonnes
            rail += tonnes if row["运输方式"] == RAIL else 0
    return rail, total


@cache
def bulk() -> frozenset[str]:
    return frozenset(c.name for c in declared().commodities if c.bulk)


def bulk_tonnes(unit: str, year: str) -> Decimal:
    moved = [
        tonnes
        for one, row, tonnes in movements(f"{year}-01", f"{year}-12")
        if one == unit and row["货类"] in bulk() and row["短驳"] == "否"
    ]
    return sum(moved, Decimal(0))


def official(kind: str, name: str, year: str, mode: str = RAIL) -> Decimal:
    """Σ 当期 of the highest status of each month, in 万吨."""
    rank = ["快报", "月报确报", "年报核定"]
    best: dict[str, tuple[int, Decimal]] = {}
    for row in table("official.csv"):
        wanted = (row["方式"], row["对象类型"], row["对象"], row["期别"]) == (mode, kind, name, "当期")
        if wanted and row["月份"].startswith(year):
            state = (rank.index(row["状态"]), Decimal(row["数值万吨"]))
            best[row["月份"]] = max(best.get(row["月份"], state), state)
    return sum((v for _, v in best.values()), Decimal(0))


def test_the_committed_files_are_what_the_script_writes(tmp_path):
    subprocess.run([sys.executable, str(SAMPLE / "make_sample.py"), str(tmp_path)], check=True)
    written = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    kept = {p.relative_to(SAMPLE): p.read_bytes() for p in SAMPLE.rglob("*") if p.suffix in (".csv", ".toml")}
    assert written == kept, "run data/sample/make_sample.py and commit what it writes"


def test_every_file_is_labelled_and_small():
    files = [p for p in SAMPLE.rglob("*") if p.suffix in (".csv", ".toml")]
    assert all(p.read_text(encoding="utf-8").startswith("# 演示数据") for p in files)
    assert max(p.stat().st_size for p in files) < 400_000
    assert sum(p.stat().st_size for p in files) < 3_000_000


def test_the_overlay_fits_the_declared_data():
    assert declared().is_demo
    assert str(declared().demo_today) == "2026-10-12"


def test_codes_are_valid_and_names_invented():
    codes = {row["统一社会信用代码"] for row in table("registry.csv")}
    assert all(second_opinion.is_valid(one) and one[8:14] == "MADEM0" for one in codes)
    names = {rows[0]["企业名称"] for rows in registry().values()}
    assert all(name.startswith(("示例", "示范")) for name in names)
    assert len(names) == len(registry())
    assert 37 <= len(registry()) <= 43
    assert len(registry()) == len(codes) + 1, "two units share one code"


def test_units_sit_in_every_area():
    used = {row["县区代码"] for row in table("registry.csv")}
    assert used == set(declared().county_names)


def test_all_names_resolve():
    data, units = declared(), set(registry())
    names = {rows[0]["企业名称"] for rows in registry().values()}
    pairs = {(o.origin, o.destination) for o in data.od_distances}
    pairs |= {(d, o) for o, d in pairs}
    for unit, row, _ in movements():
        assert row["货类"] in data.commodity_names
        assert row["运输方式"] in data.mode_names
        assert row["对方单位"] in units | names | {""}
        known = (row["起点"], row["终点"]) in pairs
        near_station = {row["起点"], row["终点"]} & set(data.station_names)
        assert known or near_station or row["通道"] in data.corridor_names, (unit, row)
    assert {s["通道"] for s in table("spurs.csv")} <= set(data.corridor_names)
    assert {s["接轨站"] for s in table("spurs.csv")} <= set(data.station_names)
    assert {s["使用单位"] for s in table("spurs.csv")} <= units


def test_rail_and_road_of_a_flow_have_the_declared_distance():
    declared_km = {frozenset((o.origin, o.destination)): o.distance_km for o in declared().od_distances}
    for _, row, _ in movements():
        pair = frozenset((row["起点"], row["终点"]))
        if row["运输方式"] == RAIL:
            assert distance(row) == declared_km[pair]
        elif row["短驳"] == "否" and row["运输方式"] != BELT:
            assert distance(row) == declared_km.get(pair, distance(row))


def test_rows_repeat_nothing_and_are_three_to_ten_a_unit():
    for (unit, month), rows in returns().items():
        keys = [tuple(v for k, v in row.items() if k not in ("运量吨", "箱数")) for row in rows]
        assert len(set(keys)) == len(keys), (unit, month)
        assert len(rows) <= 16
    sizes = Counter(len(rows) for rows in returns().values())
    assert 3 <= sum(n * count for n, count in sizes.items()) / sizes.total() <= 10


def test_belt_and_drayage_keep_their_limits():
    parks = {rows[0]["企业名称"] for rows in registry().values() if rows[0]["单位类型"] == "物流园区"}
    places = parks | set(declared().station_names)
    for _, row, _ in movements():
        if row["运输方式"] == BELT:
            assert distance(row) <= 25
        if row["短驳"] == "是":
            assert distance(row) <= 50
            assert row["换装站"] in places
            assert row["运输方式"] in (ROAD, NEV, BELT)


def test_drayage_agrees_with_the_trains_of_the_station():
    for (unit, month), rows in returns().items():
        for station in {row["换装站"] for row in rows} - {""}:
            lorries = sum(Decimal(r["运量吨"]) for r in rows if r["换装站"] == station)
            trains = sum(
                Decimal(r["运量吨"]) for r in rows
                if r["起点"] == station and r["运输方式"] == RAIL and r["方向"] == "发运"
            )  # fmt: skip
            assert abs(lorries - trains) <= trains * Decimal("0.05"), (unit, month, station)


def test_no_spur_moves_more_than_its_capacity():
    lines = defaultdict(set)
    for row in table("spurs.csv"):
        if row["状态"] == "开通":
            lines[row["专用线编号"], Decimal(row["能力万吨年"])].add(row["使用单位"])
    for (spur, capacity), users in lines.items():
        for year in range(2022, 2027):
            moved = [
                t for u, r, t in movements(f"{year}-01", f"{year}-12") if u in users and r["运输方式"] == RAIL
            ]
            assert sum(moved) <= capacity * 10_000, (spur, year)


def test_the_story_of_the_two_shares():
    assert Decimal("0.87") <= share_k2("2025-01", "2025-12") <= Decimal("0.895")
    assert abs(share_k2("2026-01", "2026-09") - Decimal("0.90")) < Decimal("0.01")
    yearly = [k3_of(f"{y}-01", f"{y}-12") for y in range(2022, 2026)]
    shares = [rail / total for rail, total in yearly]
    assert Decimal("0.78") <= shares[-1] <= Decimal("0.795")
    assert shares == sorted(shares)
    units = {u: k3_of("2025-01", "2025-12", u) for u in access()}
    met = [u for u, (rail, total) in units.items() if total and rail * 10 >= total * 8]
    assert 5 <= len(met) <= len([u for u, (_, total) in units.items() if total]) - 5


def test_one_unit_stands_exactly_at_80_percent():
    rail, total = k3_of("2025-01", "2025-12", unit_named("示例煤业二矿"))
    assert rail * 5 == total * 4


def test_units_stand_around_and_on_1_5_million_tonnes():
    assert bulk_tonnes(unit_named("示例矿业二矿"), "2025") == 1_500_000
    around = [
        bulk_tonnes(unit_named("示例水泥一厂"), year) >= 1_500_000
        for year in ("2022", "2023", "2024", "2025")
    ]
    assert around == [False, True, False, True]


@pytest.mark.parametrize(
    ("year", "low", "high"),
    [
        ("2020", 19600, 19700),
        ("2022", 20900, 20999),
        ("2023", 21181, 21300),
        ("2024", 21200, 21383),
        ("2025", 21300, 21584),
    ],
)
def test_official_rail_of_the_city(year, low, high):
    assert low <= official("全市", "全市", year) < high


def test_rail_had_one_best_month():
    best = max(
        (Decimal(row["数值万吨"]), row["月份"])
        for row in table("official.csv")
        if (row["方式"], row["对象"], row["期别"], row["状态"]) == (RAIL, "全市", "当期", "年报核定")
    )
    assert best[1] == "2024-12"


def returned_rail(year: str, place: str = "") -> Decimal:
    """Rail 发运 of the returns, counted once, in 万吨: of the city, a corridor or a county."""
    lines = {frozenset((o.origin, o.destination)): o.corridor for o in declared().od_distances}

    def places(unit: str, row: dict[str, str]) -> tuple[str, ...]:
        line = lines[frozenset((row["起点"], row["终点"]))]
        return "", line, in_force(unit, row["月份"])["县区代码"]

    sent = [
        tonnes
        for unit, row, tonnes in movements(f"{year}-01", f"{year}-12")
        if row["运输方式"] == RAIL and row["方向"] == "发运" and counts_once(unit, row)
        and place in places(unit, row)
    ]  # fmt: skip
    return sum(sent, Decimal(0)) / 10_000


@pytest.mark.parametrize("year", ["2022", "2023", "2024", "2025"])
def test_returned_rail_is_a_part_of_the_official_rail(year):
    coverage = returned_rail(year) / official("全市", "全市", year)
    assert Decimal("0.35") <= coverage <= Decimal("0.6")
    assert returned_rail(year, "朔黄") < official("通道", "朔黄", year)
    assert returned_rail(year, "140931") < official("县区", "保德县", year)


def test_some_returns_are_zero_and_one_unit_stood_still():
    zero = [rows for rows in returns().values() if rows[0]["备注"] == "零申报"]
    assert len(zero) > 10
    assert all(len(rows) == 1 and not rows[0]["运量吨"] for rows in zero)
    idle = unit_named("示例焦化二厂")
    assert not any((idle, month) in returns() for month in MONTHS if "2023-07" <= month <= "2024-02")
    assert {(idle, "2023-06"), (idle, "2024-03")} <= set(returns())


def test_missing_returns():
    told = set(returns())
    missing = Counter(
        (unit, month[:4])
        for month in MONTHS
        for unit in registry()
        if is_expected(unit, month) and (unit, month) not in told
    )
    never, silent = unit_named("示范物流园七园"), unit_named("示例物资一站")
    assert sum(n for (_, year), n in missing.items() if year == "2025") == 4
    assert missing[never, "2026"] == 6
    assert missing[silent, "2026"] == 7
    september = [u for u in registry() if is_expected(u, "2026-09") and (u, "2026-09") not in told]
    assert len(set(september) - {never, silent}) == 3


def test_receipts_go_with_the_returns_and_the_amendment_matters():
    receipts = {(r["填报单位编码"], r["月份"], r["版本"]): r["收到日期"] for r in table("receipts.csv")}
    assert {(u, m) for u, m, version in receipts if version == "1"} == set(returns())
    assert all(month < day <= "2026-10-12" for (_, month, _), day in receipts.items())
    amended = [(unit, month) for unit, month, version in receipts if version == "2"]
    assert len(amended) == 2
    for unit, month in amended:
        before = sum(Decimal(r["运量吨"]) for r in table(f"returns/{month}.csv") if code(r) == unit)
        after = sum(Decimal(r["运量吨"]) for r in returns()[unit, month])
        assert after - before in (420_000, 120_000)
        assert receipts[unit, month, "2"] > receipts[unit, month, "1"]
    rail, total = k3_of("2025-01", "2025-12", "SL10-1")
    assert rail * 5 >= total * 4
    assert (rail - 120_000) * 5 < (total - 120_000) * 4
