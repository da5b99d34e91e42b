"""Foreign layouts by declaration: two ways to the same rows, and real files."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from returns import TODAY, check_file, declared, registry_table

from etl.intake import mapping
from etl.intake.check import check_in_process
from etl.intake.mapping import apply, load_mapping, read_mapping
from etl.intake.receive import Refusal, read_text_table
from etl.reference import Commodity, Corridor

REAL = Path(__file__).resolve().parents[3] / "shared" / "realdata"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the public files are not beside the project")

ANTT = """
encoding = "iso-8859-1"
delimiter = ";"
thousands = "."
decimal = ","
date_form = "MM/YYYY"
[columns]
"月份" = "Mes_Ano"
"填报单位编码" = "Ferrovia"
"货类" = "Mercadoria_ANTT"
"起点" = "Estacao_Origem"
"终点" = "Estacao_Destino"
"运量吨" = "TU"
[constants]
"统一社会信用代码" = "ANTT"
"企业名称" = "Ferrovias"
"方向" = "发运"
"运输方式" = "铁路"
[derive."运距公里"]
numerator = "TKU"
denominator = "TU"
[values."货类"]
"Carvão Mineral" = "煤炭"
"Coque" = "焦炭"
"Coque Metalúrgico" = "焦炭"
"*" = "其他"
"""

TRANSBORDER = """
[columns]
"月份" = "month"
"填报单位编码" = "enterprise"
"企业名称" = "enterprise"
"货类" = "commodity"
"运输方式" = "mode"
"起点" = "origin"
"终点" = "destination"
"运距公里" = "distance_km"
"运量吨" = "tonnes"
[constants]
"方向" = "到达"
[values."运输方式"]
rail = "铁路"
road = "公路"
[values."货类"]
"*" = "其他"
"""

NBS = """
header = false
date_form = "YYYYMM"
[columns]
"月份" = 1
"方式" = 2
"期别" = 2
"数值万吨" = 4
[constants]
"对象类型" = "全市"
"口径" = "货运量"
[where]
2 = ["铁路货运量_当期值", "铁路货运量_累计值"]
[values."方式"]
"*" = "铁路"
[values."期别"]
"铁路货运量_当期值" = "当期"
"铁路货运量_累计值" = "累计"
"""


def checked_with_rows(path: Path, text: str, units: list[str], folder: Path):
    """The check under a layout, and its rows from the Parquet file."""
    table = registry_table([{"unit_code": u, "uscc": u, "name": u, "kind": "工矿企业"} for u in units])
    result = check_file(
        path, units=table, unit_key="any", mapping=read_mapping(text), rows_folder=folder / "rows"
    )
    parquet = folder / result.unit_months[0].rows_file
    return result, duckdb.read_parquet(str(parquet))


@needs_real
def test_a_railway_statistic_of_brazil(tmp_path):
    path = REAL / "br_antt_rail_od" / "producao_origem_destino_2022.csv"
    table = read_text_table(path, read_mapping(ANTT))
    units = sorted({row[1] or "" for row in table.rows})
    result, rows = checked_with_rows(path, ANTT, units, tmp_path)
    assert (result.rows, result.tonnes, result.encoding) == (7972, Decimal(500767913), "iso-8859-1")
    long_coal = rows.filter("commodity in ('煤炭', '焦炭') and distance_km >= 500")
    assert rows.filter("commodity in ('煤炭', '焦炭')").aggregate("sum(tonnes)").fetchall() == [(9744597,)]
    assert long_coal.aggregate("sum(tonnes)").fetchall() == [(2679681,)]
    assert rows.filter("distance_km > 499 and distance_km < 500").aggregate("count(*)").fetchall()[0][0] > 0


@needs_real
def test_repeated_rows_of_2019_are_said_and_kept(tmp_path):
    path = REAL / "br_antt_rail_od" / "producao_origem_destino_2019.csv"
    units = sorted({row[1] or "" for row in read_text_table(path, read_mapping(ANTT)).rows})
    result, rows = checked_with_rows(path, ANTT, units, tmp_path)
    assert result.totals["C005"] >= 34
    assert (result.rows, rows.aggregate("count(*)").fetchall()[0][0]) == (7965, 7965)


@needs_real
def test_imports_by_land_from_canada(tmp_path):
    path = REAL / "us_transborder" / "canada_imports_2023.csv.gz"
    units = sorted({row[1] or "" for row in read_text_table(path).rows})
    result, rows = checked_with_rows(path, TRANSBORDER, units, tmp_path)
    assert result.rows == 164_727
    assert rows.filter("tonnes = 0").aggregate("count(*)").fetchall() == [(145,)]
    assert dict(rows.aggregate("mode, count(*)").fetchall()).keys() == {"铁路", "公路"}
    assert result.totals["C011"] == 164_727
    assert result.accepted


@needs_real
def test_a_national_series_by_position():
    mapping = read_mapping(NBS)
    table = apply(read_text_table(REAL / "cn_nbs_monthly" / "a0901.csv", mapping), mapping)
    by_key = {row[:3]: row[3] for row in table.rows}
    assert table.header == ("月份", "方式", "期别", "数值万吨", "对象类型", "口径")
    assert by_key["2023-12", "铁路", "累计"] == "500651.72"
    assert by_key["2023-12", "铁路", "当期"] == "43558.18"
    assert {row[1] for row in table.rows} == {"铁路"}


FOREIGN = """
thousands = "."
decimal = ","
date_form = "DD.MM.YYYY"
[columns]
"月份" = "Monat"
"统一社会信用代码" = "Werk"
"企业名称" = "Werk"
"货类" = "Gut"
"起点" = "von"
"终点" = "nach"
"运量吨" = "kt"
[constants]
"方向" = "发运"
"运输方式" = "铁路"
[factor]
"运量吨" = "1000"
[derive."运距公里"]
numerator = "tkm"
denominator = "t"
factor = "2"
[where]
"Gut" = ["Kohle", "Koks"]
[values."货类"]
Kohle = "煤炭"
Koks = "焦炭"
"""
FOREIGN_FILE = """Monat;Werk;Gut;von;nach;kt;tkm;t
31.03.2025;W;Kohle;A;B;1,5;1.000;3
01.04.2025;W;Koks;A;B;1.234,567;999,8;4
01.04.2025;W;Bier;A;B;1;1;1
01.05.2025;W;Kohle;A;B;1.5;10;4
01.05.2025;W;Kohle;A;B;2;10;0
01.06.2025;W;Kohle;A;B;;1e3;4
"""


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "fremd.csv"
    path.write_text(FOREIGN_FILE, encoding="utf-8")
    return path


def test_small_tables_in_python(foreign):
    mapping = read_mapping(FOREIGN)
    table = apply(read_text_table(foreign, mapping), mapping)
    columns = dict(zip(table.header, zip(*table.rows, strict=True), strict=True))
    assert table.row_numbers == [2, 3, 5, 6, 7]
    assert columns["月份"] == ("2025-03", "2025-04", "2025-05", "2025-05", "2025-06")
    assert columns["运量吨"] == ("1500", "1234567", "?1.5", "2000", None)
    # Exact, and cut at nine places: 2 × 1000 ÷ 3, and 2 × 999.8 ÷ 4, which stays under 500.
    assert columns["运距公里"][:2] == ("666.666666666", "499.9")
    assert all(cell.startswith("?") for cell in columns["运距公里"][3:])
    assert columns["货类"] == ("煤炭", "焦炭", "煤炭", "煤炭", "煤炭")


def test_returns_in_sql_say_the_same(foreign, tmp_path):
    units = registry_table([{"unit_code": "W", "uscc": "W", "name": "W", "kind": "工矿企业"}])
    options = {"units": units, "unit_key": "any", "mapping": read_mapping(FOREIGN)}
    result = check_file(foreign, rows_folder=tmp_path / "rows", **options)
    found = {(f.code, f.row, f.column) for f in result.findings if f.severity == "强制"}
    assert found == {
        ("V006", 5, "kt"), ("V006", 6, "运距公里"), ("V006", 7, "运距公里"), ("V001", 7, "kt"),
    }  # fmt: skip
    rows = duckdb.read_parquet(str(tmp_path / result.unit_months[0].rows_file))
    assert rows.project("month::VARCHAR, tonnes, distance_km, row_no").fetchall() == [
        ("2025-03-01", Decimal("1500.000"), Decimal("666.666666666"), 2),
        ("2025-04-01", Decimal("1234567.000"), Decimal("499.900000000"), 3),
    ]
    assert result.totals["S114"] == 1
    assert set(result.refused) == {("W", "2025-05"), ("W", "2025-06")}


@pytest.mark.parametrize(
    "text",
    [
        "= x",
        "colums = 1",
        "columns = 3",
        "encoding = 'klingon'",
        "delimiter = ';;'",
        "[columns]\na = 1.5",
        "[factor]\n'运量吨' = 'viel'",
        "[factor]\n'运量吨' = '0.00001'",
        "[factor]\n'运量吨' = '-1'",
        "[derive.'运距公里']\nnumerator = 'a'",
        "header = false\n[where]\nx = ['a']",
    ],
)
def test_a_layout_that_says_nothing_readable_is_refused(text):
    with pytest.raises(Refusal, match="导入对照"):
        read_mapping(text)


def test_a_layout_is_kept_as_it_was_given(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(FOREIGN, encoding="utf-8")
    assert load_mapping(path).text == FOREIGN
    path.write_bytes(b"\xff")
    with pytest.raises(Refusal, match="UTF-8"):
        load_mapping(path)


def test_a_column_that_is_not_there_is_named(foreign):
    mapping = read_mapping(FOREIGN.replace('"Monat"', '"Tag"'))
    with pytest.raises(Refusal, match="Tag"):
        apply(read_text_table(foreign, mapping), mapping)
    beyond = replace(mapping, columns={"月份": 99})
    with pytest.raises(Refusal, match="第99列"):
        apply(read_text_table(foreign, beyond), beyond)


def test_other_names_by_declared_data(tmp_path):
    """Another country is other declared data: its commodities and corridors under its own names."""
    real = declared("any")
    data = replace(
        real,
        commodities=(Commodity("Kohle", True, True, ()), Commodity("其他", False, False, ())),
        corridors=(*real.corridors, Corridor("Rhein", "Rhein", (), False, (), (), (), "")),
    )
    path = tmp_path / "x.csv"
    path.write_text("月份,填报单位编码,企业名称,货类,方向,运输方式,起点,终点,通道,运距公里,运量吨\n"
                    "2025-03,W,W,Kohle,发运,铁路,A,B,Rhein,5,7\n", encoding="utf-8")  # fmt: skip
    units = registry_table([{"unit_code": "W", "uscc": "W", "name": "W", "kind": "工矿企业"}])
    result = check_in_process(path, data, units, today=TODAY)
    assert (result.findings, result.tonnes) == ((), 7)


def test_the_example_of_the_module_is_a_layout():
    """What the docstring shows can be copied: the indented lines are read as they stand."""
    example = "\n".join(line[4:] for line in (mapping.__doc__ or "").splitlines() if line.startswith("    "))
    layout = read_mapping(example)
    assert (layout.encoding, layout.delimiter, layout.columns["月份"]) == ("iso-8859-1", ";", "Mes_Ano")
    assert layout.values["运输方式"] == {"rail": "铁路"}
