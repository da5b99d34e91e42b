"""The declared data: what does not fit together is refused with file, line and remedy, and what every year
resolves to stands in a table that a reader can check."""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import pytest

from etl import reference
from etl.reference import Declared, DeclaredDataError, load_declared
from etl.targets import plan_from_text

DATA = Path(__file__).parents[2] / "data"
DECLARED = load_declared(DATA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the declared data, to be spoilt."""
    target = tmp_path / "data"
    shutil.copytree(DATA, target, ignore=shutil.ignore_patterns("sample", "geo"))
    return target


def change(folder: Path, name: str, old: str, new: str) -> None:
    """One word of a file replaced; it must be there."""
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# ------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("reference/counties.csv", "cluster", "clutser", "counties.csv 有未知的列：clutser"),
        ("reference/modes.csv", "clean,", "", "modes.csv 缺少列：clean"),
        ("reference/modes.csv", "铁路,是,否,否,是", "铁路,是,否,否", "modes.csv 第2行的列数与表头不符"),
        ("reference/modes.csv", "铁路,是", "铁路,y", "modes.csv 第2行“rail”列的“y”无法读取"),
        ("reference/counties.csv", "38.4041", "北纬38度", "counties.csv 第2行“lat”列的“北纬38度”无法读取"),
        ("reference/commodities.csv", "焦粉", "原煤", "commodities.csv：“原煤”同时属于煤炭和焦炭"),
        ("reference/modes.csv", "火车", "汽运", "modes.csv：“汽运”同时属于铁路和公路"),
        ("reference/corridors.csv", "忻河线", "同蒲铁路", "corridors.csv：“同蒲铁路”同时属于同蒲和忻河"),
        ("reference/corridors.csv", "宁武县|代县", "宁武市|代县", "“counties”列有未申报的名称：宁武市"),
        ("reference/counties.csv", "忻定原,38.4041", "忻定,38.4041", "“cluster”列有未申报的名称：忻定"),
        ("reference/counties.csv", "140902,上卷", "140903,上卷", "“parent_code”列有未申报的名称：140903"),
        ("plan.toml", "due_day = 8", "due_day = ", "plan.toml 无法读取"),
        ("plan.toml", "due_day = 8", "duo_day = 8", "plan.toml 缺少或写错：reporting 有未知的项 duo_day"),
        ("plan.toml", 'value = "19622"', 'value = "19622万吨"', "plan.toml 缺少或写错"),
        ("plan.toml", '2023 = "21181"', '二〇二三 = "21181"', "plan.toml 无法读取"),
        ("plan.toml", '2023 = "21181"', '"二〇二三" = "21181"', "plan.toml 缺少或写错"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    folder: Path, name: str, old: str, new: str, message: str
):
    change(folder, name, old, new)
    with pytest.raises(DeclaredDataError) as caught:
        load_declared(folder)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("coal_areas", "149999,,,某文件", "coal_areas.csv 的“county_code”列有未申报的名称：149999"),
        ("coal_areas", "140925,2025-1,,某文件", "coal_areas.csv 第2行“valid_from”列的“2025-1”无法读取"),
        ("od_distances", "宁武,黄骅港,某线,562,某表", "od_distances.csv 的“corridor”列有未申报的名称：某线"),
        (
            "od_distances",
            "宁武,黄骅港,朔黄,五百,某表",
            "od_distances.csv 第2行“distance_km”列的“五百”无法读取",
        ),
    ],
)
def test_a_row_of_the_bureau_is_checked(folder: Path, name: str, row: str, message: str):
    with (folder / "reference" / f"{name}.csv").open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")
    with pytest.raises(DeclaredDataError) as caught:
        load_declared(folder)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["plan.toml", "reference/stations.csv", "reference/emission_factors.csv", "reference/measures.csv"],
)
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(DeclaredDataError) as caught:
        load_declared(folder)
    assert f"缺少申报数据文件 {name}" in str(caught.value)
    assert "请补齐" in str(caught.value)


def test_a_switch_with_an_unknown_word_is_refused(folder: Path):
    change(folder, "plan.toml", "[switches.belt_in_k3]\nvalue", "[switches.belt_in_k3]\nvalu")
    with pytest.raises(DeclaredDataError, match=r"plan\.toml 缺少或写错"):
        load_declared(folder)
    with pytest.raises(KeyError, match="belt_in_K3"):
        DECLARED.plan.switch("belt_in_K3")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # A misspelt key would leave K2 without a gap for 2023 and 2024, and nobody would be told.
        ("shown_before =", "shown_befor ="),
        ("[[references]]", "[[reference]]"),
        # A text that says no is not no, and a word that nobody knows is not the other one.
        ("value = false\nprovisional", 'value = "false"\nprovisional'),
        ('value = "next_month"', 'value = "next-month"'),
        ('value = "200"', 'value = "二百"'),
        ("[switches.short_distance_km]", "[switches.short_distance]"),
    ],
)
def test_a_plan_that_would_be_read_otherwise_than_meant_is_refused(folder: Path, old: str, new: str):
    change(folder, "plan.toml", old, new)
    with pytest.raises(DeclaredDataError, match=r"plan\.toml"):
        load_declared(folder)


@pytest.mark.parametrize("content", [b"", "# 演示数据\n".encode(), "mode,铁路\n".encode("gb18030")])
def test_a_file_without_a_header_or_in_another_encoding_is_refused(folder: Path, content: bytes):
    (folder / "reference" / "modes.csv").write_bytes(content)
    with pytest.raises(DeclaredDataError, match=r"modes\.csv"):
        load_declared(folder)


# --------------------------------------------------------------------------------- overlay and labels


def test_an_overlay_replaces_files_one_by_one(folder: Path, tmp_path: Path):
    overlay = tmp_path / "overlay"
    (overlay / "reference").mkdir(parents=True)
    (overlay / "reference" / "coal_areas.csv").write_text(
        "# 演示数据：虚构\ncounty_code,from,to,basis\n140925,2025-02,2025-03,演示\n\n140926,,,演示\n",
        encoding="utf-8",
    )
    found = load_declared(folder, overlay)
    spans = [(area.county_code, area.valid_from, area.valid_to) for area in found.coal_areas]
    assert spans == [("140925", date(2025, 2, 1), date(2025, 3, 1)), ("140926", None, None)]
    # Every other file is still that of the folder, and without demo.toml it is no demonstration.
    assert (found.counties, found.plan) == (DECLARED.counties, DECLARED.plan)
    assert (found.is_demo, found.demo_today, found.overlay) == (False, None, overlay)
    assert load_declared(folder).coal_areas == ()


def test_the_overlays_links_are_checked_too(folder: Path, tmp_path: Path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "coal_areas.csv").write_text(
        "# 演示数据\ncounty_code,from,to,basis\n149999,,,演示\n", encoding="utf-8"
    )
    with pytest.raises(DeclaredDataError, match="149999"):
        load_declared(folder, tmp_path)


def test_the_demonstration_says_what_day_it_is(folder: Path, tmp_path: Path):
    (tmp_path / "demo.toml").write_text("# 演示数据\ntoday = 2026-10-12\n", encoding="utf-8")
    assert load_declared(folder, tmp_path).demo_today == date(2026, 10, 12)
    (tmp_path / "demo.toml").write_text('today = "2026-10-12"\n', encoding="utf-8")
    with pytest.raises(DeclaredDataError, match="today 须为日期"):
        load_declared(folder, tmp_path)


def test_a_byte_order_mark_is_no_column(folder: Path):
    file = folder / "reference" / "modes.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_declared(folder).modes == DECLARED.modes


# --------------------------------------------------------------------------------------- where it lies


def test_folders_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("RAILSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAILSHIFT_DATA", str(tmp_path / "elsewhere"))
    assert reference.home_folder() == tmp_path / "home"
    assert reference.data_folder() == tmp_path / "elsewhere"
    monkeypatch.delenv("RAILSHIFT_HOME")
    monkeypatch.delenv("RAILSHIFT_DATA")
    monkeypatch.chdir(tmp_path)
    assert reference.home_folder() == tmp_path / "var"
    # In a folder without plan.toml a checkout uses its own, an installed package the copy it carries.
    assert reference.data_folder() == DATA
    monkeypatch.setattr(reference, "PACKAGED_DATA", tmp_path / "carried")
    (tmp_path / "carried").mkdir()
    (tmp_path / "carried" / "plan.toml").touch()
    assert reference.data_folder() == tmp_path / "carried"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "plan.toml").touch()
    assert reference.data_folder() == tmp_path / "data"


# --------------------------------------------------------------------- what every year resolves to

YEARS = range(2022, 2028)
# Target, or (shown, not judged); — = none. From the plan: 21181 / 21383 / 21584 万吨, 90 % in 2025, 80 %.
TARGETS = """
      2022 2023    2024    2025  2026 2027
K1    —    21181   21383   21584 —    —
K2    —    (0.9)   (0.9)   0.9   —    —
K3    —    0.8     0.8     0.8   —    —
K4    —    1       1       1     —    —
"""
SWITCHES = """
k1_caliber        ''          True （二）
spur_access_from  next_month  True （五）
belt_in_k3        False       True （五）
drayage_limit_km  50          True （五）
short_distance_km 200         True （五）
mirror_day_share  0.02        True （十一）
mirror_period_share 0.20      True （十一）
"""


def resolved(declared: Declared) -> str:
    """Each target of each year, as drawn above."""
    lines = []
    for id_, target in declared.plan.targets.items():
        cells = []
        for year in YEARS:
            shown = target.shown_before.get(year)
            judged = target.values.get(year)
            cells.append(f"({shown})" if shown is not None else "—" if judged is None else f"{judged}")
        lines.append([id_, *cells])
    return "\n".join(" ".join(line) for line in lines)


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def test_every_target_of_every_year():
    assert resolved(DECLARED) == squeezed(TARGETS).split("\n", 1)[1]
    assert {t.bound for t in DECLARED.plan.targets.values()} == {"at_least"}
    assert {id_: t.unit for id_, t in DECLARED.plan.targets.items()} == {
        "K1": "万吨", "K2": "share", "K3": "share", "K4": "share",
    }  # fmt: skip
    assert {id_: t.wording for id_, t in DECLARED.plan.targets.items()} == {
        "K1": "左右", "K2": "力争", "K3": "达到…以上", "K4": "原则上全部",
    }  # fmt: skip


def test_every_switch_of_the_bureau():
    found = "\n".join(
        f"{s.id} {s.value if s.value != '' else chr(39) * 2} {s.provisional} {s.clause}"
        for s in DECLARED.plan.switches.values()
    )
    assert found == squeezed(SWITCHES)
    assert all(s.question and s.effect for s in DECLARED.plan.switches.values())


def test_bounds_lights_and_dates():
    plan = DECLARED.plan
    assert (plan.long_distance_km, plan.obliged_tonnes) == (D(500), D(1500000))
    assert (plan.pace_green, plan.pace_yellow, plan.share_yellow_pp) == (D(100), D(95), D(5))
    assert (plan.first_year, plan.last_year, plan.due_day, plan.county_review) == (2023, 2025, 8, False)
    assert (plan.base_year, plan.base_value) == (2020, D(19622))
    assert "非实际值" in plan.base_basis
    assert plan.references == {"K5": D("0.5"), "K6": D("0.5")}
    assert (plan.document, plan.issued, plan.area) == ("忻政办发〔2023〕7号", date(2023, 2, 21), "全市")


def test_the_plan_goes_into_a_version_and_out_again():
    assert plan_from_text((DATA / "plan.toml").read_text(encoding="utf-8")) == DECLARED.plan


def test_the_plan_is_quoted_with_its_numbers():
    """Each value of a target stands in the words of the plan."""
    for target in DECLARED.plan.targets.values():
        for year, value in target.values.items():
            words = {"K1": f"{value}万吨", "K4": "全部"}.get(target.id, f"{value * 100:.0f}%")
            assert words in target.quote, (target.id, year)


# mode, boundary, year and scope → value, range, unit
FACTORS = """
公路 TTW 2023 default               60     50—100 gCO2/tkm
铁路 TTW 2023 default               8      6—12   gCO2/tkm
公路 TTW 2014 荷兰                   90.3   —      gCO2/tkm
铁路 TTW 2014 荷兰（80%电气化）        11.3   —      gCO2/tkm
水路 TTW 2014 荷兰                   38.6   —      gCO2/tkm
公路 TTW 2012 英国33吨以上铰接车       83.8   —      gCO2/tkm
公路 WTW 2012 英国33吨以上铰接车       102.7  —      gCO2e/tkm
公路 TTW 2012 英国全部重型货车         121.7  —      gCO2/tkm
公路 WTW 2012 英国全部重型货车         149.9  —      gCO2e/tkm
电网 发电 2023 全国                  0.5306 —      kgCO2/kWh
电网 发电 2022 全国                  0.5366 —      kgCO2/kWh
电网 发电 2023 华北                  0.6361 —      kgCO2/kWh
柴油 TTW 2007 英国                   2.63   —      kgCO2/L
"""


def test_every_emission_factor():
    found = "\n".join(
        f"{f.mode} {f.boundary} {f.year} {f.scope} {f.value} "
        f"{'—' if f.low is None else f'{f.low}—{f.high}'} {f.unit}"
        for f in DECLARED.emission_factors
    )
    assert found == squeezed(FACTORS)


def test_a_factor_has_a_source_and_either_a_range_or_a_scope():
    """A factor that stands for all (default) has a range around its value; any other says where it holds."""
    for factor in DECLARED.emission_factors:
        assert factor.source, factor
        if factor.scope == "default":
            assert factor.low is not None
            assert factor.high is not None
            assert factor.low < factor.value < factor.high, factor
        else:
            assert factor.scope, factor
    defaults = [f.mode for f in DECLARED.emission_factors if f.scope == "default"]
    assert sorted(defaults) == ["公路", "铁路"]


def test_who_is_who_among_the_declared():
    assert [c.name for c in DECLARED.commodities if c.coal_coke] == ["煤炭", "焦炭"]
    assert [c.name for c in DECLARED.commodities if not c.bulk] == [
        "石油及制品",
        "化工品",
        "机电产品",
        "其他",
    ]
    assert [m.name for m in DECLARED.modes if m.rail] == ["铁路"]
    assert [m.name for m in DECLARED.modes if m.road] == ["公路", "公路（新能源）"]
    assert [m.name for m in DECLARED.modes if m.belt] == ["皮带廊道"]
    assert [m.name for m in DECLARED.modes if not m.clean] == ["公路", "其他"]
    assert len(DECLARED.counties) == 16
    in_plan = [c.name for c in DECLARED.corridors if c.in_plan]
    assert in_plan == ["同蒲", "忻河", "京原", "准朔", "瓦日", "兴保", "神河", "五岢"]
    assert DECLARED.mode_names["火车"] == "铁路"
    assert DECLARED.commodity_names["原煤"] == "煤炭"
    assert DECLARED.corridor_names["神朔线"] == "神河"
    # Until the bureau rules there is no coal area, and K2 waits for it.
    assert DECLARED.coal_areas == ()
