"""The lists of the US TransBorder trial that follow from its file: chapters, units, plain rows.

    python declare.py canada_imports_2023.csv.gz FOLDER

Writes FOLDER/data/reference/commodities.csv (one entry a Harmonized System chapter),
FOLDER/registry.csv (one unit a province and chapter) and FOLDER/rows.csv (the file unpacked).
FOLDER/data must hold counties.csv already.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path

COAL_CHAPTER = "27"
# Minerals, grain, oil seeds, fertilizer, wood, iron and steel.
BULK_CHAPTERS = {"10", "12", "25", "26", COAL_CHAPTER, "31", "44", "72"}


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def main(source: Path, folder: Path) -> None:
    with gzip.open(source, "rt", encoding="utf-8", newline="") as packed:
        text = packed.read()
    (folder / "rows.csv").write_text(text, encoding="utf-8", newline="")
    rows = list(csv.DictReader(text.splitlines()))
    reference = folder / "data" / "reference"
    with (reference / "counties.csv").open(encoding="utf-8", newline="") as file:
        code = {row["name"]: row["code"] for row in csv.DictReader(file)}

    chapters = sorted({row["commodity"] for row in rows})
    write(
        reference / "commodities.csv",
        ["name", "bulk", "coal_coke", "aliases"],
        [
            [
                chapter,
                "是" if chapter[:2] in BULK_CHAPTERS else "否",
                "是" if chapter[:2] == COAL_CHAPTER else "否",
                "",
            ]
            for chapter in chapters
        ],
    )
    # 应报起 stays empty: the source lists all traffic, a month without a row had none.
    write(
        folder / "registry.csv",
        ["统一社会信用代码", "企业名称", "县区代码", "单位类型", "大型", "认定依据", "生产状态"],
        [
            [unit, unit, code[county], "工矿企业", "是", "试算", "正常"]
            for unit, county in sorted({(row["enterprise"], row["county"]) for row in rows})
        ],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
